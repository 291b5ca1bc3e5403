"""What is wrong with a data set, all of it told at once."""

from __future__ import annotations

import os
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from l2laug.core.errors import ImageError
from l2laug.core.hashing import file_hash
from l2laug.data.datasets.dataset import TRAIN, Item

SHOWN = 50  # problems that are listed; of more it is said how many
TURNED = frozenset({5, 6, 7, 8})  # EXIF orientations that swap width and height
ORIENTATION = 0x0112
DEEP = frozenset({".tif", ".tiff"})  # of which Pillow reads a part


class Problems:
    """Facts and remedies, collected while a data set is read."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def add(self, fact: str, remedy: str) -> None:
        """Note one."""
        self.found.append((fact, remedy))

    def check(self, place: Path) -> None:
        """Raise what was found, if anything was.

        Raises:
            ImageError: it lists every problem with its remedy.
        """
        if not self.found:
            return
        if len(self.found) == 1:
            raise ImageError(*self.found[0])
        lines = [f"  {fact} {remedy}" for fact, remedy in self.found[:SHOWN]]
        if len(self.found) > SHOWN:
            lines.append(f"  and {len(self.found) - SHOWN} more")
        raise ImageError(f"{place} has {len(self.found)} problems:\n" + "\n".join(lines))


def read_lines(path: Path, problems: Problems) -> list[str]:
    """The lines of a text file (UTF-8); a stray byte is a problem, and there are no lines then."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        problems.add(
            f"{path}, line {line}: byte 0x{content[error.start]:02x} is not UTF-8.",
            "Save the file as UTF-8.",
        )
        return []


def inside(path: Path, root: Path) -> Path | None:
    """A path that a file names, without ``..``; None where that leads out of a folder.

    Links are not followed: they are whose the folder is.
    """
    plain = Path(os.path.normpath(path))
    return plain if plain.is_relative_to(os.path.normpath(root)) else None


def image_size(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture the right way up, by its header; None if it can't be read."""
    try:
        with Image.open(path) as picture:
            turned = picture.getexif().get(ORIENTATION) in TURNED
            return (picture.height, picture.width) if turned else picture.size
    except Exception:  # Pillow's decoders raise almost anything; whoever reads it tells
        return None


def check_readable(items: Sequence[Item], problems: Problems) -> None:
    """Files that hold no picture, by their first bytes; TIFFs are left to whoever reads them."""
    for item in items:
        known = item.file.suffix.lower() not in DEEP and item.file.is_file()
        if known and image_size(item.file) is None:
            problems.add(f"{item.file} is no picture.", "Replace or remove it.")


def check_classes(names: Iterable[str], problems: Problems) -> None:
    """Classes that are alike but for case, or for how accents are encoded."""
    alike = defaultdict(list)
    for name in sorted(set(names)):
        alike[unicodedata.normalize("NFC", name).casefold()].append(name)
    for same in alike.values():
        if len(same) > 1:
            problems.add(
                f"Classes {' and '.join(same)} are alike but for case.", "Merge or rename them."
            )


def check_counts(items: Sequence[Item], problems: Problems) -> None:
    """Classes with one image to learn from, of sets whose images have the classes."""
    files = defaultdict(list)
    for item in items:
        if item.label is not None and item.split == TRAIN:
            files[item.label].append(item.file)
    for name, found in sorted(files.items()):
        if len(found) == 1:
            problems.add(
                f"Class {name} has one image, {found[0]}.",
                "Give it another, or take the class away.",
            )


def check_twice(items: Sequence[Item], problems: Problems) -> None:
    """Files that are in two classes, or both learned from and tested on: named or the same bytes.

    Only files of the same length are read.
    """
    by_length = defaultdict(list)
    for item in items:
        if item.file.is_file():
            by_length[item.file.stat().st_size].append(item)
    for same in by_length.values():
        if len(same) < 2:
            continue
        by_content = defaultdict(list)
        for item in same:
            by_content[file_hash(item.file)].append(item)
        for twins in by_content.values():
            _check_twins(twins, problems)


def _check_twins(twins: list[Item], problems: Problems) -> None:
    first = twins[0]
    for other in twins[1:]:
        if other.label != first.label:
            problems.add(
                f"{first.file} and {other.file} are the same image in two classes, {first.label} "
                f"and {other.label}.",
                "Leave it in one.",
            )
        elif TRAIN in (first.split, other.split) and other.split != first.split:
            problems.add(
                f"{first.file} and {other.file} are the same image in {first.split} and "
                f"{other.split}.",
                "Leave it in one.",
            )


def check_masks(items: Sequence[Item], problems: Problems) -> None:
    """Masks of another size than their image."""
    for item in items:
        size = image_size(item.file) if item.masks else None
        if size is None:
            continue
        for mask in item.masks:
            found = image_size(mask.file)
            if found is None:
                problems.add(f"Mask {mask.file} can't be read.", "Replace it.")
            elif found != size:
                problems.add(
                    f"Mask {mask.file} is of {found[0]}x{found[1]} pixels, its image {item.file} "
                    f"of {size[0]}x{size[1]}.",
                    "Make them the same.",
                )
