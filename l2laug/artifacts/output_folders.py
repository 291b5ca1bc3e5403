"""Folders that l2laug wrote itself, known by what lies in them: no real images are there."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from l2laug.artifacts.names import AUGMENTED, INFO, MANIFEST, MODEL
from l2laug.core.errors import OutputError
from l2laug.core.files import clear, is_empty, recover

MARKERS = (
    (MODEL, "options.yaml"),  # a run
    (INFO, "features.onnx"),
    ("comparison.json", "comparison.md"),
    ("experiment.json", "results.json"),  # of reproduce
    ("settings.json", "benchmark.json"),
    (AUGMENTED, MANIFEST),
)


def holds_samples(folder: Path) -> bool:
    """Whether ``sample`` wrote the folder: its manifest is there, if only begun."""
    try:
        with (folder / MANIFEST).open(encoding="utf-8", errors="replace") as lines:
            first = lines.readline()
    except OSError:
        return False
    torn = not first.endswith("\n")
    return not first or (first.startswith('{"file": ') and (torn or '"support": ' in first))


def is_output(folder: Path) -> bool:
    """Whether it is a run, a bundle, a comparison, an experiment or a folder of samples."""
    marked = any(all((folder / name).is_file() for name in names) for names in MARKERS)
    return marked or holds_samples(folder)


def check_free(
    folders: Iterable[Path], mark: str, *, overwrite: bool, keep: Iterable[Path] = ()
) -> None:
    """Make sure that output folders may be written to, before any work.

    Args:
        folders: the folders; they may be there if they are empty.
        mark: a file or folder in them by which those that l2laug wrote are known.
        overwrite: what is in such a one may be removed.
        keep: what is read from; never to be removed.

    Raises:
        OutputError: some hold something already; each is named. Or removing what is in one of them
            would remove files of others, an input or the current folder.
    """
    folders = list(folders)
    for folder in folders:
        recover(folder)
    taken = [f for f in folders if f.exists() and (not f.is_dir() or not is_empty(f))]
    if taken and not overwrite:
        named = ", ".join(map(str, taken))
        raise OutputError(
            f"{named} {'exists' if len(taken) == 1 else 'exist'} already.",
            "Give --overwrite to replace it, or another place with -o.",
        )
    for folder in taken:
        for path in (Path.cwd(), *keep):
            if path.resolve().is_relative_to(folder.resolve()):
                raise OutputError(
                    f"--overwrite would empty {folder}, and {path} with it.",
                    "Choose another place with -o.",
                )
        if not (folder / mark).exists():
            raise OutputError(
                f"{folder} holds no {mark}: l2laug did not write it, --overwrite leaves it alone.",
                "Choose another place with -o, or remove it yourself.",
            )


def claim(folder: Path, mark: str, *, overwrite: bool) -> None:
    """Make an output folder, or empty it with ``overwrite``, see :func:`check_free`.

    Raises:
        OutputError: it holds something already, or can't be made.
    """
    try:
        check_free([folder], mark, overwrite=overwrite)
        if folder.is_dir():
            clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} can't be made: {error.strerror or error}.", "Choose another place with -o."
        ) from error
