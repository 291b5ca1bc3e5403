"""What of some files is not kept as it is, by their headers: pages, colour spaces, numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import tifffile

from l2laug.data.images.deep_images import TIFF, UNKNOWN, open_picture

PAGED = frozenset({"TIFF", "GIF", "PNG", "WEBP", "AVIF"})  # MPO's first frame is the photograph
SPACES = ("CMYK", "LAB", "YCbCr", "HSV")


def file_notes(files: Sequence[Path]) -> list[str]:
    """A sentence for each thing that reading leaves out or changes, and in how many files.

    Files that can't be read are passed over.
    """
    found: dict[str, list[Path]] = defaultdict(list)
    for path in files:
        for said in _changes(path):
            found[said].append(path)
    return [
        f"{len(paths)} of the files, such as {paths[0]}, {'have' if len(paths) > 1 else 'has'} "
        f"{said}"
        for said, paths in found.items()
    ]


def _changes(path: Path) -> list[str]:
    """What is not kept of one file."""
    said = []
    try:
        with open_picture(path) as picture:
            mode = picture.mode
            if picture.format in PAGED and getattr(picture, "n_frames", 1) > 1:
                said.append("several pages or frames: the first one is used")
            if mode in SPACES:
                said.append(f"{mode} colours: they and their samples become RGB")
    except Exception:  # decoders raise almost anything; whoever reads it says so
        mode = ""
    if path.suffix.lower() in TIFF and (numbers := _numbers(path)):
        kept = "32-bit floats" if numbers.startswith("float") else "16 or 8 bits"
        said.append(f"numbers of type {numbers}: they and their samples become {kept}")
    return said


def _numbers(path: Path) -> str:
    """The type of a TIFF's numbers, where it is one that is kept in another."""
    try:
        with tifffile.TiffFile(path) as file:
            found = str(file.pages.first.dtype)
    except Exception:  # as above
        return ""
    return found if found in (*UNKNOWN, "int32", "int16") else ""
