"""The real images that samples are compared with: support, held out, to train and to test on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from l2laug.artifacts.model_card import Card
from l2laug.core.arrays import Pixels, pixel_hash
from l2laug.core.errors import UsageError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.evaluation.leakage.report import NearIdentical
from l2laug.evaluation.leakage.splits import (
    Split,
    first_rows,
    image_hashes,
    split_against,
    split_within,
)
from l2laug.evaluation.leakage.units import Labels


@dataclass(frozen=True)
class Real:
    """The real images: of the rare class those adapt saw and others, and all to train or test.

    Attributes:
        support: of the rare class, what adapt saw.
        others: of the rare class, what is tested on.
        train: what training sees, the support set among it.
        test: what is tested on.
        train_units: of each image of ``train``: images of one number are near-identical or of one
            group, and belong on one side of any further split. None where nobody looked.
        near_identical: images that are near-identical to another one.
        notes: on these and on groups.
    """

    support: Pixels
    others: Pixels
    train: ImageSet
    test: ImageSet
    train_units: Labels | None = None
    near_identical: tuple[NearIdentical, ...] = ()
    notes: tuple[str, ...] = ()


def read_real(
    card: Card,
    options: dict[str, Any],
    dataset: Path | None,
    test: Path | None,
    seed: int,
    classifier: bool,
    progress: Progress,
    groups: str | None = None,
) -> Real:
    """Read what a run's samples are to be compared with.

    Near-identical images, and those of a group, stand on one side: those that would be tested on
    though adapt or training sees the like are left out.

    Args:
        card: of the adapted model.
        options: of its run.
        dataset: class folders of real images; the rare folder's siblings by default.
        test: class folders to test on; else three in ten of each base class's images, none that
            adapt learned along, and what the rare folder holds beside the support set.
        seed: of that choice.
        classifier: there has to be what training and testing one takes.
        progress: where to name what is left out.
        groups: what tells groups, see :func:`l2laug.data.groups.read_groups`.

    Raises:
        UsageError: something is not there that the scores need, or ``groups`` can't be used.
        ImageError: no image can be read.
    """
    rare, known = card.class_name, set(card.support_hashes)
    root = dataset or _siblings(options)
    folders = class_folders(root, several=True)
    if rare not in folders:
        raise UsageError(
            f"{root} has no class folder {rare}.", "Name the folder of all classes with --dataset."
        )
    everything = read_classes(folders, card.size, card.channels)
    for path, reason in everything.skipped:
        progress.say(f"note: left out {path}: {reason}")
    hashes = image_hashes(everything)
    is_rare = everything.labels == everything.classes.index(rare)
    in_support = np.array([h in known for h in hashes])
    support = everything.pixels[is_rare & in_support]
    if not len(support):
        raise UsageError(
            f"{root} holds none of the images of {rare} that the model was adapted from.",
            "Name the folder that holds them with --dataset DIR.",
        )
    moved = _moved(known - set(hashes[is_rare]), card, options, root)
    support = np.concatenate([support[first_rows(hashes[is_rare & in_support])], moved.pixels])
    images = _with(everything, moved)
    if test is not None:
        held = read_classes(_test_folders(test, rare), card.size, card.channels)
        split = split_against(images, held, card, groups)
    else:
        split = split_within(images, card, groups, seed)
    rare_test = [c == rare for c in np.array(split.test.classes)[split.test.labels]]
    others = split.test.pixels[np.array(rare_test, dtype=bool)]
    if classifier:
        _check_classifiable(split, rare, root, given=test is not None)
    return Real(
        support, others, split.train, split.test, split.train_units, split.found, split.notes
    )


def _check_classifiable(split: Split, rare: str, root: Path, *, given: bool) -> None:
    """Raise a UsageError if a classifier can't be trained and tested on these.

    Args:
        split: what to train and to test on.
        rare: name of the rare class.
        root: where the images to train on come from.
        given: whether those to test on were given, or left out of the others.
    """
    train, test = split.train, split.test
    tested = {test.classes[label] for label in np.unique(test.labels)}
    if rare not in tested and split.left_out:
        raise UsageError(
            f"None of the other images of {rare} can be tested on: {split.left_out} are "
            "near-identical to images that adapt or training sees, or of their groups.",
            "Give class folders of other images, of other groups, with --test DIR.",
        )
    if rare not in tested:
        raise UsageError(
            f"There is no real image of {rare} to test on that the generator has not seen.",
            "Give class folders of held-out images with --test DIR.",
        )
    if len(train.classes) < 2:
        raise UsageError(
            f"{root} has one class only; a classifier needs others.",
            "Name a folder of class folders with --dataset DIR.",
        )
    if odd := ", ".join(sorted(set(test.classes) ^ set(train.classes))):
        raise UsageError(f"--test and the training classes differ: {odd}.", "Make them agree.")
    if given and (odd := ", ".join(sorted(set(train.classes) - tested))):
        raise UsageError(
            f"--test holds no images of {odd} but those that are trained on.",
            "Give others: what is mistaken for the rare class has to be seen too.",
        )
    if len(tested) < 2:
        raise UsageError(
            f"No other class than {rare} has an image left to test on.",
            "Give two or more images of other classes.",
        )


def _test_folders(test: Path, rare: str) -> dict[str, list[Path]]:
    """Class folders to test on; images without any are of the rare class."""
    folders = class_folders(test, several=True)
    if rare in folders:
        return folders
    if list(folders) == [test.resolve().name]:
        return {rare: folders[test.resolve().name]}
    raise UsageError(f"--test {test} has no class folder {rare}.", "Put its images there.")


def _with(images: ImageSet, more: ImageSet) -> ImageSet:
    """Images and others of one of their classes."""
    labels = np.full(len(more.pixels), images.classes.index(more.classes[0]))
    return ImageSet(
        np.concatenate([images.pixels, more.pixels]),
        np.concatenate([images.labels, labels]),
        images.classes,
        images.paths + more.paths,
    )


def _moved(gone: set[str], card: Card, options: dict[str, Any], root: Path) -> ImageSet:
    """Support images that are not in the folder ``root``, from where adapt read them."""
    name, files = card.class_name, [Path(path) for path in options.get("images", [])]
    nothing = np.empty((0, card.channels, card.size, card.size), np.uint8)
    found = ImageSet(nothing, np.empty(0, np.int64), (name,), ())
    if gone and any(path.is_file() for path in files):
        known = read_classes({name: files}, card.size, card.channels)
        rows = [row for row, image in enumerate(known.pixels) if pixel_hash(image) in gone]
        found = known.take(np.array(rows, dtype=np.int64))
    if left := len(gone.difference(map(pixel_hash, found.pixels))):
        raise UsageError(
            f"{left} of the {len(card.support_hashes)} images of {card.class_name} that the model "
            f"was adapted from are not in {root}: copies of them would go unseen.",
            "Put them back, name the folder that holds all with --dataset DIR, or adapt again.",
        )
    return found


def _siblings(options: dict[str, Any]) -> Path:
    folder = Path(str(options.get("folder", "")))
    if not options.get("folder") or not folder.is_dir():
        raise UsageError(
            "The folder that the model was adapted from is not there any more.",
            "Name the folder of all classes with --dataset DIR.",
        )
    return folder.parent
