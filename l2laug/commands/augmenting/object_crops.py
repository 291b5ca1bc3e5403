"""Measure sets of objects: does a classifier of objects, cut out of their images, gain?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from l2laug.artifacts.run import Run
from l2laug.classification.run import classify
from l2laug.classification.study import Study, StudyData, usual_steps
from l2laug.commands.augmenting.arms import Measured, read_verdicts
from l2laug.commands.augmenting.draw_class import draw_class
from l2laug.core.arrays import Pixels
from l2laug.data.datasets.dataset import Item, Object
from l2laug.data.image_set import ImageSet
from l2laug.reports.augmentation import NOT_MEASURED
from l2laug.runtime.session import Session

SIDE = 96  # of a crop, in pixels
MARGIN = 0.1  # around a box, of its sides
MOST = 200  # crops of a class
IMAGES = 100  # that are drawn to be measured
CROWD = "iscrowd"  # of COCO: a box around many


def measure_objects(
    name: str,
    run: Run,
    learn: Mapping[str, Sequence[Item]],
    test: Mapping[str, Sequence[Item]],
    folder: Path,
    session: Session,
    heads: Sequence[str],
) -> Measured:
    """Draw images that show a rare object and train classifiers of objects without and with them.

    Args:
        name: of the rare class.
        run: the model adapted to its images in ``learn``.
        learn: images by class, to train on.
        test: images by class, to test on.
        folder: for the images that are drawn.
        session: engine, progress and seed.
        heads: the classifiers.

    Raises:
        L2lAugError: what drawing and classifying raise.
    """
    train_crops = crop_objects(_once(learn), session.seed)
    test_crops = crop_objects(_once(test), session.seed)
    both = sorted(set(train_crops.classes) & set(test_crops.classes))
    if name not in both or len(both) < 2:
        return Measured(NOT_MEASURED, notes=("too few objects of other classes to test on",))
    items = {item.file.resolve(): item for item in learn[name]}
    new = draw_class(name, run, items, IMAGES, folder, session)
    samples = crop_objects((one.item for one in new), session.seed, only=name)
    if not len(samples.pixels):
        return Measured(NOT_MEASURED, notes=("nothing that is drawn passes",))
    data = StudyData(train_crops.of(both), test_crops.of(both), name, samples.pixels)
    study = Study(heads=tuple(heads), steps=usual_steps(len(both)))
    return read_verdicts(classify(data, study, session))


def _once(images: Mapping[str, Sequence[Item]]) -> list[Item]:
    """Every image once, though it shows several classes."""
    return list({item.file: item for found in images.values() for item in found}.values())


def crop_objects(items: Iterable[Item], seed: int, only: str | None = None) -> ImageSet:
    """Objects cut out with a margin and squeezed into squares, some of each class by chance.

    Args:
        items: images with objects.
        seed: of the choice.
        only: the class to cut out; all by default.

    Returns:
        uint8 ``(N, 3, SIDE, SIDE)``.
    """
    found: dict[str, list[tuple[Path, Object]]] = defaultdict(list)
    for item in items:
        for one in item.objects:
            if only in (None, one.label) and not one.extra.get(CROWD):
                found[one.label].append((item.file, one))
    random, chosen = np.random.default_rng(seed), list[tuple[Path, Object]]()
    for label in sorted(found):
        rows = np.sort(random.permutation(len(found[label]))[:MOST])
        chosen += [found[label][row] for row in rows]
    by_file: dict[Path, list[Object]] = defaultdict(list)
    for path, one in chosen:
        by_file[path].append(one)
    names = tuple(sorted(found))
    pixels, labels, paths = list[Pixels](), list[int](), list[Path]()
    for path, objects in by_file.items():
        with Image.open(path) as opened:
            picture = ImageOps.exif_transpose(opened).convert("RGB")
        for one in objects:
            if (crop := _cut(picture, one)) is not None:
                pixels.append(crop)
                labels.append(names.index(one.label))
                paths.append(path)
    stacked = np.stack(pixels) if pixels else np.empty((0, 3, SIDE, SIDE), np.uint8)
    return ImageSet(stacked, np.array(labels, np.int64), names, tuple(paths))


def _cut(picture: Image.Image, one: Object) -> Pixels | None:
    """One object ``(3, SIDE, SIDE)``; None where nothing of it is in the picture."""
    x0, y0, x1, y1 = one.box
    across, down = MARGIN * (x1 - x0), MARGIN * (y1 - y0)
    left, top = max(0, int(x0 - across)), max(0, int(y0 - down))
    right, bottom = (
        min(picture.width, int(x1 + across) + 1),
        min(picture.height, int(y1 + down) + 1),
    )
    if right - left < 2 or bottom - top < 2:
        return None
    crop = picture.crop((left, top, right, bottom)).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    return np.ascontiguousarray(np.asarray(crop).transpose(2, 0, 1))
