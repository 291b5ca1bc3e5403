"""Files appear whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from l2laug.core import files
from l2laug.core.errors import OutputError
from l2laug.core.files import is_empty, recover, whole_file, whole_folder, write_text
from l2laug.core.hashing import file_hash


def write_half(path: Path, error: type[BaseException]) -> None:
    with whole_file(path) as part:
        part.write_text("half")
        raise error


def test_a_file_is_written_with_its_folders(tmp_path: Path) -> None:
    write_text(tmp_path / "a" / "b" / "ü.txt", "grün\n")
    assert (tmp_path / "a" / "b" / "ü.txt").read_bytes() == b"gr\xc3\xbcn\n"
    assert len(list((tmp_path / "a" / "b").iterdir())) == 1


def test_the_name_is_taken_only_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    with whole_file(path) as part:
        part.write_bytes(b"half")
        assert not path.exists()
    assert path.read_bytes() == b"half"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, MemoryError])
def test_nothing_is_left_if_the_block_fails(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error):
        write_half(tmp_path / "a.txt", error)
    assert list(tmp_path.iterdir()) == []


def test_the_old_file_stays_if_the_block_fails(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyboardInterrupt):
        write_half(path, KeyboardInterrupt)
    assert path.read_text() == "old"


def test_the_old_file_is_replaced_if_it_ends_well(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old and longer")
    write_text(path, "new")
    assert path.read_text() == "new"


def test_who_reads_the_old_file_is_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old and longer")
    with path.open() as reader:
        write_text(path, "new")
        assert reader.read() == "old and longer"


def test_a_full_disk_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No space left") as caught, whole_file(tmp_path / "a"):
        raise OSError(28, "No space left on device")
    assert str(tmp_path / "a") in caught.value.fact
    assert list(tmp_path.iterdir()) == []


def test_below_a_regular_file_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match=r"a\.txt can't be written"):
        write_text(tmp_path / "file" / "below" / "a.txt", "text")


def write_run(folder: Path, error: type[BaseException] | None = None) -> None:
    with whole_folder(folder, last="b") as part:
        assert part.name[0] == "."
        for name in ("a", "b", "c"):
            (part / name).write_text("new")
        if error:
            raise error


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "run" / "old").mkdir(parents=True)
    (tmp_path / "run" / "a").write_text("old")
    write_run(tmp_path / "run")
    assert {p.name: p.read_text() for p in (tmp_path / "run").iterdir()} == dict.fromkeys(
        "abc", "new"
    )


def test_a_folder_stays_as_it_was_if_the_block_fails(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "a").write_text("old")
    for name in ("run", "new"):
        with pytest.raises(KeyboardInterrupt):
            write_run(tmp_path / name, KeyboardInterrupt)
    assert [p.name for p in tmp_path.rglob("*")] == ["run", "a"]
    assert (tmp_path / "run" / "a").read_text() == "old"


def test_an_error_of_the_block_that_is_not_about_the_folder_stays_what_it_is(
    tmp_path: Path,
) -> None:
    gone = tmp_path / "images" / "gone.png"
    with pytest.raises(FileNotFoundError, match=r"gone\.png"):
        write_run_reading(tmp_path / "run", gone)
    with pytest.raises(ConnectionResetError):
        write_run(tmp_path / "run", ConnectionResetError)
    assert not (tmp_path / "run").exists()


def write_run_reading(folder: Path, path: Path) -> None:
    with whole_folder(folder, last="b"):
        path.read_bytes()


def test_a_full_disk_in_the_block_is_an_output_error(tmp_path: Path) -> None:
    for error in (OSError(28, "No space left on device"), OSError(13, "No", str(tmp_path / "run"))):
        with (
            pytest.raises(OutputError, match="run can't be written"),
            whole_folder(tmp_path / "run", last="b"),
        ):
            raise error


def test_what_a_killed_run_left_does_not_count(tmp_path: Path) -> None:
    (tmp_path / ".123.part").mkdir()
    assert is_empty(tmp_path)
    write_run(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "c"]
    assert not is_empty(tmp_path)


def test_the_file_that_makes_a_folder_whole_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moved: list[str] = []
    real = Path.replace

    def replace(path: Path, target: Path) -> Path:
        moved.append(path.name)
        return real(path, target)

    monkeypatch.setattr(Path, "replace", replace)
    write_run(tmp_path / "run")
    assert moved[-1] == "b"
    assert sorted(moved) == ["a", "b", "c"]


@pytest.mark.parametrize("moves", range(9))
def test_a_folder_is_finished_by_whoever_comes_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    """Killed before any of its moves and removals; ``finally`` does not run then."""
    run = tmp_path / "run"
    (run / "samples").mkdir(parents=True)
    for name in ("a", "b", "samples/1"):
        (run / name).write_text("old")
    left = [moves]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def called(*given: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                raise Killed
            return real(*given, **more)

        return called

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", counted(Path.replace))
        patched.setattr(files, "_remove", counted(files._remove))
        with suppress(Killed):
            write_run(run)
    recover(run)
    assert {p.name: p.read_text() for p in run.iterdir()} == dict.fromkeys("abc", "new")


class Killed(BaseException):
    """In place of SIGKILL."""


def test_permissions_are_those_of_any_new_file(tiny_bundle: Path, tiny_run: Path) -> None:
    mask = os.umask(0)
    os.umask(mask)
    written = [p for folder in (tiny_bundle, tiny_run) for p in folder.iterdir() if p.is_file()]
    assert len(written) > 10
    assert {p.stat().st_mode & 0o777 for p in written} == {0o666 & ~mask}


def test_the_hash_is_sha256(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # the example of FIPS 180-2, appendix B.1
    assert file_hash(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )
