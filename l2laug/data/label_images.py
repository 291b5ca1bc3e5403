"""Files that look like images of a class and are none: masks and thumbnails of others."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from l2laug.data.datasets.mask_files import FOLDERS as MASK_FOLDERS
from l2laug.data.datasets.mask_files import NAMED as MASK_NAMED

MASK, THUMBNAIL = "masks", "thumbnails"
THUMBNAIL_FOLDERS = frozenset({"thumbnails", "thumbs", "thumb", "__macosx", "@eadir"})
THUMBNAIL_NAMED = re.compile(r".*[_\-. ](thumb|thumbnail)([_\-. ]?\d+)?", re.IGNORECASE)
FEW = 32  # values: masks have no more, photographs have
LOOKED_AT = 3  # files of a folder

Found = dict[tuple[Path, str], list[Path]]  # by folder and kind


def part_images(root: Path, files: Iterable[Path]) -> tuple[list[Path], Found]:
    """Part images from masks and thumbnails of them.

    These lie in a folder called so, or beside an image and are called after it (``a_mask.png``). A
    folder ``masks`` is one of masks if a file in it is called as an image elsewhere, or like it
    with more behind; where it may as well be a class, its files have to have few values too.

    Args:
        root: the folder that was given; its own name says nothing.
        files: below it.

    Returns:
        The images, and what was left out. Where all files would be, they are images.
    """
    images: list[Path] = []
    found: Found = defaultdict(list)
    stems: dict[Path, set[str]] = defaultdict(set)
    candidates: Found = defaultdict(list)
    named: list[tuple[Path, str]] = []
    for path in files:
        kind, top = _folder_kind(root, path)
        if kind:
            candidates[root / top, kind].append(path)
        elif kind := _named_kind(path):
            named.append((path, kind))
        else:
            images.append(path)
            stems[path.parent].add(path.stem)
    for path, kind in named:
        if _after_one(path.stem, stems[path.parent]):
            found[path.parent, kind].append(path)
        else:
            images.append(path)
    everywhere = {path.stem for path in images}
    may_be_class = None if root in stems else root  # a folder directly in it
    for (folder, kind), there in candidates.items():
        if kind == MASK and not _are_masks(folder, there, everywhere, may_be_class):
            images += there
        else:
            found[folder, kind] += there
    if not images:
        return sorted(path for there in found.values() for path in there), {}
    return sorted(images), dict(found)


def describe(found: Found) -> list[str]:
    """A line for each folder, of what was left out there."""
    return [
        f"note: left out {len(there)} {kind} in {folder}, such as {sorted(there)[0].name}"
        for (folder, kind), there in sorted(found.items())
    ]


def _folder_kind(root: Path, path: Path) -> tuple[str, Path]:
    """What a folder above a file says that it is, and that folder below the root."""
    parts = path.relative_to(root).parts[:-1]
    for depth, part in enumerate(parts, 1):
        for kind, names in ((MASK, MASK_FOLDERS), (THUMBNAIL, THUMBNAIL_FOLDERS)):
            if part.casefold() in names:
                return kind, Path(*parts[:depth])
    return "", Path()


def _named_kind(path: Path) -> str:
    for kind, pattern in ((MASK, MASK_NAMED), (THUMBNAIL, THUMBNAIL_NAMED)):
        if pattern.fullmatch(path.stem):
            return kind
    return ""


def _after_one(name: str, stems: set[str]) -> bool:
    """Whether a file is called after another one: by its name, or that and a part set off."""
    ends = [match.start() for match in re.finditer(r"[_\-. ]", name)]
    return name in stems or any(name[:end] in stems for end in ends)


def _are_masks(folder: Path, files: list[Path], stems: set[str], may_be_class: Path | None) -> bool:
    """Whether a folder called ``masks`` is one; in ``may_be_class`` it may be a class as well."""
    if not any(_after_one(path.stem, stems) for path in files):
        return False
    return folder.parent != may_be_class or all(_has_few_values(path) for path in files[:LOOKED_AT])


def _has_few_values(path: Path) -> bool:
    try:
        with Image.open(path) as picture:
            pixels = np.asarray(picture)
    except Exception:  # decoders raise almost anything; whoever reads it as an image says so
        return False
    flat = pixels.reshape(-1, pixels.shape[2] if pixels.ndim == 3 else 1)
    return len(np.unique(flat, axis=0)) <= FEW
