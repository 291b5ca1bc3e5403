"""Folders that l2laug wrote itself, known by what lies in them: no real images are there."""

from __future__ import annotations

from pathlib import Path

from l2laug.bundles import INFO
from l2laug.runs import MODEL

MANIFEST = "manifest.jsonl"
MARKS = (
    (MODEL, "options.yaml"),  # a run
    (INFO, "features.onnx"),
    ("comparison.json", "comparison.md"),
    ("experiment.json", "results.json"),  # of reproduce
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


def is_ours(folder: Path) -> bool:
    """Whether it is a run, a bundle, a comparison, an experiment or a folder of samples."""
    marked = any(all((folder / name).is_file() for name in names) for names in MARKS)
    return marked or holds_samples(folder)
