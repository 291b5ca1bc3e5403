"""Masks beside the rare images come out beside the samples, changed as those are."""

from __future__ import annotations

import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from l2laug.core.errors import ImageError, OutputError, UsageError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.images.originals import read_original
from l2laug.sampling.sampler import Drawn, Sampler
from l2laug.sampling.writer import Written, write_samples
from l2laug.sampling.writing.job import OutputOptions
from l2laug.sampling.writing.support_masks import SupportMasks

QUIET = Progress(quiet=True)
COUNT = 10


class Moving(Sampler):
    """A model whose draws are moved alone: what is bright stays bright."""

    def draw(self, count: int, seed: int = 0, first: int = 0) -> Any:
        for drawn in super().draw(count, seed, first):
            yield Drawn(
                **vars(drawn)
                | {
                    "changes": tuple(
                        replace(c, tone=c.tone * 0, difference=c.difference * 0)
                        for c in drawn.changes or ()
                    )
                }
            )


@pytest.fixture(scope="module")
def sampler(model: Path) -> Sampler:
    return Moving(model, device="cpu")


@pytest.fixture
def folder(files: list[Path], tmp_path: Path) -> Path:
    """The rare images, with a mask of what is bright and one of ids for each."""
    made = tmp_path / "scratch"
    made.mkdir()
    (made / "masks").mkdir()
    for file in files:
        shutil.copy(file, made)
        bright = bright_of(file)
        Image.fromarray(bright).save(made / "masks" / f"{file.stem}_bright.png")
        ids = Image.fromarray(np.where(bright, 7, 3).astype(np.uint8))
        ids.putpalette([i // 3 for i in range(768)])
        ids.save(made / f"{file.stem}_mask.png")
    return made


def bright_of(file: Path) -> np.ndarray:
    pixels = read_original(file).pixels
    found: np.ndarray = pixels[..., 0] > np.iinfo(pixels.dtype).max // 2
    return found


def write(sampler: Sampler, folder: Path, out: Path, **given: Any) -> Written:
    how = {key: given.pop(key) for key in ("per_file", "size") if key in given}
    options = OutputOptions(**how, masks=SupportMasks.read(folder, sampler))
    return write_samples(sampler, COUNT, out, 0, QUIET, pictures=options, **given)


def test_each_sample_has_its_masks_named_alike(
    sampler: Sampler, folder: Path, tmp_path: Path
) -> None:
    write(sampler, folder, tmp_path / "out")
    lines = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
    for i, line in enumerate(map(json.loads, lines)):
        names = [f"a/{i:06d}_mask.png", f"a/masks/{i:06d}_bright.png"]
        assert line["masks"] == names
        sample = tmp_path / "out" / line["file"]
        with Image.open(tmp_path / "out-masks" / names[0]) as ids:
            assert (ids.mode, ids.size) == ("P", tuple(line["size"]))
            assert ids.getpalette() == [i // 3 for i in range(768)]
            assert set(np.unique(np.asarray(ids))) <= {3, 7}
            seven = np.asarray(ids) == 7
        with Image.open(tmp_path / "out-masks" / names[1]) as bright:
            assert bright.mode == "1"
            assert (np.asarray(bright) == seven).all()
        seen = bright_of(sample)
        assert (seen & seven).sum() / (seen | seven).sum() >= 0.97
    # No mask passes for an image of a class.
    assert {name: len(found) for name, found in class_folders(tmp_path / "out").items()} == {
        "a": COUNT
    }
    assert "out-masks" not in class_folders(tmp_path)


def test_squares_and_tars_have_masks_too(sampler: Sampler, folder: Path, tmp_path: Path) -> None:
    write(sampler, folder, tmp_path / "out", size=40, per_file=COUNT)
    assert not (tmp_path / "out-masks").exists()
    with tarfile.open(tmp_path / "out" / "a-000000.tar") as shard:
        names = shard.getnames()
        assert names[:4] == [
            f"a/000000.{kind}" for kind in ("png", "mask0.png", "mask1.png", "json")
        ]
        for name in names[1:3]:
            content = shard.extractfile(name)
            assert content is not None
            with Image.open(content) as mask:
                assert mask.size == (40, 40)
    assert len(names) == 4 * COUNT


def test_masks_are_gone_on_with_and_replaced(
    sampler: Sampler, folder: Path, tmp_path: Path
) -> None:
    def contents() -> dict[str, bytes]:
        places = ("out", "out-masks")
        return {
            str(p): p.read_bytes() for f in places for p in (tmp_path / f).rglob("*") if p.is_file()
        }

    write(sampler, folder, tmp_path / "out")
    whole = contents()
    (tmp_path / "out-masks" / "a" / "masks" / "000006_bright.png").unlink()
    write(sampler, folder, tmp_path / "out", resume=True)
    assert contents() == whole
    (tmp_path / "out-masks" / "a" / "mine.txt").write_text("precious")
    write(sampler, folder, tmp_path / "out", overwrite=True)
    assert (tmp_path / "out-masks" / "a" / "mine.txt").read_text() == "precious"
    shutil.rmtree(tmp_path / "out")
    with pytest.raises(OutputError, match="exist already"):
        write(sampler, folder, tmp_path / "out")


def test_what_masks_lack_is_told_at_once(
    sampler: Sampler, tiny_run: Path, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="no mask can follow"):
        SupportMasks.read(folder, Sampler(tiny_run / "model.onnx", "cpu"))
    with pytest.raises(UsageError, match="no masks for 4 of the 4"):
        SupportMasks.read(tmp_path / "scratch" / "masks", sampler)
    Image.new("L", (3, 3)).save(folder / "masks" / "1_bright.png")
    (folder / "0_mask.png").unlink()
    (folder / "masks" / "0_bright.png").unlink()
    with pytest.raises(ImageError, match="2 problems") as caught:
        SupportMasks.read(folder, sampler)
    assert "0.png has no mask" in str(caught.value)
    assert "3x3 pixels" in str(caught.value)
