"""Trees like MVTec AD's: train/good, test/<defect>, ground_truth/<defect>/*_mask.png."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from l2laug.data.datasets.dataset import TRAIN, Dataset, Item
from l2laug.data.datasets.mask_files import pair_masks
from l2laug.data.datasets.problems import Problems
from l2laug.data.folders import find_images

GOOD = "good"
TEST = "test"


def is_mvtec(root: Path) -> bool:
    """Whether ``train`` holds ``good`` alone and ``test`` holds defects."""
    train, test = root / TRAIN, root / TEST
    if not ((train / GOOD).is_dir() and test.is_dir()):
        return False
    others = [p for p in train.iterdir() if p.is_dir() and p.name != GOOD]
    return not others and any(p.is_dir() and p.name != GOOD for p in test.iterdir())


def read_mvtec(root: Path, problems: Problems) -> Dataset:
    """Read such a tree: every second image of a defect is learned from, the others are tested on.

    The first, third, ... of a defect's images by name are learned from. Source of the layout:
    Bergmann et al. (2019).
    """
    items = [Item(path, GOOD, TRAIN) for path in find_images(root / TRAIN / GOOD)]
    truth = root / "ground_truth"
    defects: dict[str, list[Item]] = defaultdict(list)
    masked = find_images(truth) if truth.is_dir() else []
    for folder in sorted(p for p in (root / TEST).iterdir() if p.is_dir()):
        images = find_images(folder)
        if folder.name == GOOD:
            items += [Item(path, GOOD, TEST) for path in images]
            continue
        mine = [path for path in masked if path.parent.name == folder.name]
        _, masks = pair_masks(root, [*images, *mine], problems, ignored=[TEST])
        for path in images:
            defects[folder.name].append(Item(path, folder.name, TEST, masks=masks.get(path, ())))
    known = set(defects) | {GOOD}
    for path in masked:
        if path.parent.name not in known:
            problems.add(f"Mask {path} belongs to no image.", "Add the image, or remove the mask.")
    for name, found in sorted(defects.items()):
        items += [replace(i, split=TEST if n % 2 else TRAIN) for n, i in enumerate(found)]
        if len(found) < 4:
            problems.add(
                f"Defect {name} has {len(found)} images in {root / TEST / name}; half are learned "
                "from, half tested on.",
                "Give four or more, or take it away.",
            )
    note = f"defects {', '.join(sorted(defects))}: every second image is learned from"
    classes = (GOOD, *sorted(defects))
    return Dataset(root, "mvtec", tuple(items), classes, notes=(note,))
