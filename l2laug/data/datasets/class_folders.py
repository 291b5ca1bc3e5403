"""Data sets of class folders: alone, or below train, val and test."""

from __future__ import annotations

from pathlib import Path

from l2laug.data.datasets.dataset import TRAIN, Dataset, Item
from l2laug.data.datasets.mask_files import pair_masks
from l2laug.data.datasets.problems import Problems
from l2laug.data.folders import find_images

SPLITS = {
    "train": TRAIN,
    "training": TRAIN,
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def split_folders(root: Path) -> dict[Path, str]:
    """Folders in ``root`` that are called as splits are, and which; none where no train is."""
    found = {p: SPLITS[p.name.casefold()] for p in sorted(root.iterdir()) if _is_split(p)}
    return found if TRAIN in found.values() else {}


def _is_split(path: Path) -> bool:
    return path.name.casefold() in SPLITS and path.is_dir()


def read_class_folders(root: Path, problems: Problems) -> Dataset:
    """Read ``root/<class>/...``; images that lie in no class folder are named and left out."""
    items, stray = _items(root, root, TRAIN, problems)
    return Dataset(root, "folders", tuple(items), _classes(items), notes=_notes(stray, root))


def read_splits(root: Path, problems: Problems) -> Dataset:
    """Read ``root/<split>/<class>/...``."""
    items: list[Item] = []
    notes: list[str] = []
    for folder, split in split_folders(root).items():
        more, stray = _items(root, folder, split, problems)
        items += more
        notes += _notes(stray, folder)
    classes = _classes(items)
    learned = {item.label for item in items if item.split == TRAIN}
    for name in classes:
        if name not in learned:
            problems.add(
                f"Class {name} has no image in {TRAIN}.", "Put some there, or take it away."
            )
    return Dataset(root, "splits", tuple(items), classes, notes=tuple(notes))


def _items(
    root: Path, folder: Path, split: str, problems: Problems
) -> tuple[list[Item], list[Path]]:
    images, masks = pair_masks(root, find_images(folder), problems)
    items, stray = [], []
    for image in images:
        parts = image.relative_to(folder).parts
        if len(parts) == 1:
            stray.append(image)
            continue
        if not image.is_file():
            problems.add(f"{image} is a link to nothing.", "Mend or remove it.")
        items.append(Item(image, parts[0], split, masks=masks.get(image, ())))
    for name in {str(item.label) for item in items}:
        if any("\ud800" <= letter <= "\udfff" for letter in name):  # Python's for a stray byte
            problems.add(f"The name of class folder {name!r} is not UTF-8.", "Rename it.")
    return items, stray


def _classes(items: list[Item]) -> tuple[str, ...]:
    return tuple(sorted({str(item.label) for item in items}))


def _notes(stray: list[Path], folder: Path) -> tuple[str, ...]:
    if not stray:
        return ()
    return (f"{len(stray)} images directly in {folder} are in no class: left out",)
