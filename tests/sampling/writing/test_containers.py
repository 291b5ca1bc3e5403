"""Samples in tar shards and Parquet, read by tarfile and pyarrow, and drawn by several machines."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from l2laug.core.errors import OutputError, UsageError
from l2laug.core.progress import Progress
from l2laug.sampling import writer as writing
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writer import Written, write_samples
from l2laug.sampling.writing.containers import FEATURES
from l2laug.sampling.writing.job import PARQUET, TAR, OutputOptions, Part
from tests.sampling.test_writer import contents, failing_at, manifest

QUIET = Progress(quiet=True)
COUNT, SEED = 23, 5


@pytest.fixture(scope="module")
def sampler(tiny_run: Path) -> Sampler:
    """One that rejects nothing, to be quick."""
    found = Sampler(tiny_run / "model.onnx", device="cpu")
    found.card = replace(found.card, acceptance_threshold=-1.0)
    return found


def write(sampler: Sampler, out: Path, count: int = COUNT, **given: Any) -> Written:
    how = {key: given.pop(key) for key in ("per_file", "container", "part") if key in given}
    return write_samples(sampler, count, out, SEED, QUIET, pictures=OutputOptions(**how), **given)


def test_shards_hold_the_pictures_and_their_lines(sampler: Sampler, tmp_path: Path) -> None:
    write(sampler, tmp_path / "files")
    written = write(sampler, tmp_path / "tars", per_file=10)
    assert (written.folder, written.count) == (tmp_path / "tars", COUNT)
    names = [f"3-{i:06d}.tar" for i in range(3)]
    assert sorted(contents(tmp_path / "tars")) == [*names, "manifest.jsonl"]
    lines = manifest(tmp_path / "tars")
    assert [line["container"] for line in lines] == [names[i // 10] for i in range(COUNT)]
    members: dict[str, bytes] = {}
    for name in names:
        with tarfile.open(tmp_path / "tars" / name) as shard:
            for member in shard:
                content = shard.extractfile(member)
                assert content is not None
                members[member.name] = content.read()
    for line in lines:
        picture = members.pop(line["file"])
        assert picture == (tmp_path / "files" / line["file"]).read_bytes()
        about = json.loads(members.pop(line["file"].replace(".png", ".json")))
        shard_bytes = (tmp_path / "tars" / line["container"]).read_bytes()
        assert about | {"container_sha256": hashlib.sha256(shard_bytes).hexdigest()} == line
    assert members == {}


def test_parquet_has_an_image_column(sampler: Sampler, tmp_path: Path) -> None:
    write(sampler, tmp_path / "files")
    write(sampler, tmp_path / "rows", per_file=20, container=PARQUET)
    first, second = sorted((tmp_path / "rows").glob("*.parquet"))
    table = pyarrow.parquet.read_table(first)
    assert (table.num_rows, pyarrow.parquet.read_table(second).num_rows) == (20, 3)
    assert json.loads(table.schema.metadata[b"huggingface"])["info"]["features"] == FEATURES
    row = table.to_pylist()[7]
    assert (row["label"], row["index"], row["image"]["path"]) == ("3", 7, "3/000007.png")
    assert row["image"]["bytes"] == (tmp_path / "files" / "3" / "000007.png").read_bytes()
    [drawn] = sampler.draw(8, SEED)
    with Image.open(io.BytesIO(row["image"]["bytes"])) as picture:
        assert (np.asarray(picture) == drawn.pixels[7, 0]).all()


def test_metadata_names_every_picture_beside_it(sampler: Sampler, tmp_path: Path) -> None:
    write(sampler, tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metadata.jsonl").read_text().splitlines()]
    assert [row["file_name"] for row in rows] == [f"3/{i:06d}.png" for i in range(COUNT)]
    assert all((tmp_path / row["file_name"]).is_file() and row["label"] == "3" for row in rows)


@pytest.mark.parametrize("how", [{}, {"per_file": 4}, {"per_file": 4, "container": PARQUET}])
@pytest.mark.parametrize("together", [True, False], ids=["one folder", "copied together"])
def test_the_parts_of_several_machines_are_what_one_draws(
    sampler: Sampler, tmp_path: Path, how: dict[str, Any], together: bool
) -> None:
    write(sampler, tmp_path / "one", **how)
    for number in (2, 3, 1):
        out = tmp_path / ("all" if together else f"machine {number}")
        written = write(sampler, out, part=Part(number, 3), **how)
        if not together:
            shutil.copytree(out, tmp_path / "all", dirs_exist_ok=True)
    if not together:
        assert written.missing_parts == (2, 3)
        written = write(sampler, tmp_path / "all", part=Part(2, 3), resume=True, **how)
    assert written.missing_parts == ()
    assert contents(tmp_path / "all") == contents(tmp_path / "one")
    again = write(sampler, tmp_path / "all", part=Part(1, 3), resume=True, **how)
    assert (again.count, again.missing_parts) == (
        len(Part(1, 3).indices(COUNT, 4 if how else 1)),
        (),
    )


@pytest.mark.parametrize(("count", "block", "of"), [(23, 1, 4), (23, 4, 4), (3, 1, 5), (7, 10, 2)])
def test_shares_have_each_index_once_and_part_no_block(count: int, block: int, of: int) -> None:
    shares = [Part(number, of).indices(count, block) for number in range(1, of + 1)]
    assert [i for share in shares for i in share] == list(range(count))
    assert all(share.start % block == 0 for share in shares if share)
    sizes = [-(-len(share) // block) for share in shares]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "1/0"])
def test_a_share_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="--shard"):
        Part.parse(text)


def test_a_class_is_drawn_in_one_number_of_parts(sampler: Sampler, tmp_path: Path) -> None:
    write(sampler, tmp_path, part=Part(1, 2))
    before = contents(tmp_path)
    for part in (Part(1, 3), Part()):
        with pytest.raises(OutputError, match="another number of parts"):
            write(sampler, tmp_path, part=part)
    assert contents(tmp_path) == before


# --- going on after a stop -----------------------------------------------------------------


@pytest.mark.parametrize("container", [TAR, PARQUET])
@pytest.mark.parametrize("stop", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_container_appears_whole_or_not_at_all(
    sampler: Sampler,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop: BaseException,
    container: str,
) -> None:
    how = {"per_file": 5, "container": container}
    write(sampler, tmp_path / "whole", **how)
    with monkeypatch.context() as patch:
        patch.setattr(writing, "_sample", failing_at(13, writing._sample, stop))
        patch.setattr(writing, "ThreadPoolExecutor", InOrder)
        with pytest.raises((OutputError, KeyboardInterrupt)):
            write(sampler, tmp_path / "out", **how)
    assert [p.suffix for p in sorted((tmp_path / "out").iterdir())] == [f".{container}"] * 2 + [
        ".jsonl"
    ]
    assert len(manifest(tmp_path / "out")) == 10
    write(sampler, tmp_path / "out", resume=True, **how)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")


class InOrder:
    """A pool that does its work when it is asked for the result."""

    def __init__(self, workers: int) -> None:
        self.workers = workers

    def __enter__(self) -> InOrder:
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, function: Any, *args: Any) -> Any:
        class Later:
            def result(self) -> Any:
                return function(*args)

        return Later()


@pytest.mark.parametrize("container", [TAR, PARQUET])
def test_a_torn_container_is_drawn_again_and_more_are_added(
    sampler: Sampler, tmp_path: Path, container: str
) -> None:
    how = {"per_file": 5, "container": container}
    write(sampler, tmp_path / "whole", 17, **how)
    write(sampler, tmp_path / "out", 12, **how)
    torn = tmp_path / "out" / f"3-000001.{container}"
    torn.write_bytes(torn.read_bytes()[:-700])
    write(sampler, tmp_path / "out", 17, resume=True, **how)
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    write(sampler, tmp_path / "out", 6, overwrite=True, **how)
    assert sorted(p.suffix for p in (tmp_path / "out").iterdir()) == [
        ".jsonl",
        f".{container}",
        f".{container}",
    ]


def test_the_bytes_of_a_shard_tell_no_time_or_owner(sampler: Sampler, tmp_path: Path) -> None:
    write(sampler, tmp_path, per_file=30)
    with tarfile.open(tmp_path / "3-000000.tar") as shard:
        assert {(m.mtime, m.uid, m.uname) for m in shard} == {(0, 0, "")}
    digest = hashlib.sha256((tmp_path / "3-000000.tar").read_bytes()).hexdigest()
    write(sampler, tmp_path, per_file=30, overwrite=True)
    assert hashlib.sha256((tmp_path / "3-000000.tar").read_bytes()).hexdigest() == digest
