"""The real images that samples are compared with: support, held out, to train and to test on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from l2laug.artifacts.model_card import SHORT, Card
from l2laug.core.arrays import Pixels, pixel_hash
from l2laug.core.errors import UsageError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes

TEST_SHARE = 0.3


@dataclass(frozen=True)
class Real:
    """The real images: of the rare class those adapt saw and others, and all to train or test."""

    support: Pixels
    others: Pixels
    train: ImageSet
    test: ImageSet


def read_real(
    card: Card,
    options: dict[str, Any],
    dataset: Path | None,
    test: Path | None,
    seed: int,
    classifier: bool,
    progress: Progress,
) -> Real:
    """Read what a run's samples are to be compared with.

    Args:
        card: of the adapted model.
        options: of its run.
        dataset: class folders of real images; the rare folder's siblings by default.
        test: class folders to test on; else three in ten of each base class's images, none that
            adapt learned along, and what the rare folder holds beside the support set.
        seed: of that choice.
        classifier: there has to be what training and testing one takes.
        progress: where to name what is left out.

    Raises:
        UsageError: something is not there that the scores need.
        ImageError: no image can be read.
    """
    rare, known, along = card.class_name, set(card.support_hashes), set(card.base_hashes)
    root = dataset or _siblings(options)
    folders = class_folders(root, several=True)
    if rare not in folders:
        raise UsageError(
            f"{root} has no class folder {rare}.", "Name the folder of all classes with --dataset."
        )
    everything = read_classes(folders, card.size, card.channels)
    for path, reason in everything.skipped:
        progress.say(f"note: left out {path}: {reason}")
    hashes = np.array([pixel_hash(p) for p in everything.pixels])
    is_rare = everything.labels == everything.classes.index(rare)
    in_support = np.array([h in known for h in hashes])
    seen_along = np.array([h[:SHORT] in along for h in hashes])
    support = everything.pixels[is_rare & in_support]
    if not len(support):
        raise UsageError(
            f"{root} holds none of the images of {rare} that the model was adapted from.",
            "Name the folder that holds them with --dataset DIR.",
        )
    moved = _moved(known - set(hashes[is_rare]), card, options, root)
    support = np.concatenate([support[_first(hashes[is_rare & in_support])], moved.pixels])
    if test is not None:
        held = read_classes(_test_folders(test, rare), card.size, card.channels)
        seen = known.union(hashes[~is_rare])
        found = np.array([pixel_hash(p) for p in held.pixels])
        fresh = [i for i in _first(found) if found[i] not in seen and found[i][:SHORT] not in along]
        test_set = held.take(np.array(fresh, dtype=np.int64))
        train_rows = np.flatnonzero(~is_rare | in_support)
    else:
        shares = _shares(everything.labels, seen_along, seed)
        alone = np.bincount(everything.labels)[everything.labels] < 2
        to_test = ~seen_along & np.where(is_rare, ~in_support, ~alone & (shares < TEST_SHARE))
        # Pictures that appear twice must not stand on both sides.
        in_train = set(hashes[~to_test])
        fresh_rows = [i for i in _first(hashes) if to_test[i] and hashes[i] not in in_train]
        test_set = everything.take(np.array(fresh_rows, dtype=np.int64))
        train_rows = np.flatnonzero(~to_test & (~is_rare | in_support))
    train = _with(everything.take(train_rows), moved)
    rare_test = [c == rare for c in np.array(test_set.classes)[test_set.labels]]
    others = test_set.pixels[np.array(rare_test, dtype=bool)]
    if classifier:
        _check_classifiable(train, test_set, rare, root, given=test is not None)
    return Real(support, others, train, test_set)


def _check_classifiable(
    train: ImageSet, test: ImageSet, rare: str, root: Path, *, given: bool
) -> None:
    """Raise a UsageError if a classifier can't be trained and tested on these.

    Args:
        train: to train on.
        test: to test on.
        rare: name of the rare class.
        root: where the images to train on come from.
        given: whether those to test on were given, or left out of the others.
    """
    tested = {test.classes[label] for label in np.unique(test.labels)}
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


def _first(hashes: NDArray[np.str_]) -> NDArray[np.int64]:
    """The rows of pictures that none before them is: one that lies there twice counts once."""
    return np.sort(np.unique(hashes, return_index=True)[1]).astype(np.int64)


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


def _shares(labels: NDArray[np.int64], seen: NDArray[np.bool_], seed: int) -> NDArray[np.float64]:
    """Where each image stands in a random order of its class, ``(N,)``: 0 the first, all under 1.

    Those that the generator saw come last, so that the first ones can be tested on.
    """
    order = np.random.default_rng(seed).random(len(labels)) + seen
    shares = np.empty(len(labels))
    for label in np.unique(labels):
        mine = labels == label
        shares[mine] = (scipy.stats.rankdata(order[mine], "ordinal") - 1) / mine.sum()
    return shares


def _siblings(options: dict[str, Any]) -> Path:
    folder = Path(str(options.get("folder", "")))
    if not options.get("folder") or not folder.is_dir():
        raise UsageError(
            "The folder that the model was adapted from is not there any more.",
            "Name the folder of all classes with --dataset DIR.",
        )
    return folder.parent
