"""The real images that samples are held against: support, kept back, to train and to test on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from l2laug.card import SHORT, Card
from l2laug.errors import UsageError
from l2laug.images import ImageSet, Pixels, class_folders, pixel_hash, read_classes
from l2laug.progress import Progress

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
        test: class folders to test on; else three in ten of each common class's images, none that
            adapt learned along, and what the rare folder holds beside the support set.
        seed: of that choice.
        classifier: there has to be what training and testing one takes.
        progress: where to name what is left out.

    Raises:
        UsageError: something is not there that the scores need.
        ImageError: no image can be read.
    """
    rare, known, along = card.class_name, set(card.support_hashes), set(card.common_hashes)
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
    support = np.concatenate([support, _moved(known - set(hashes[is_rare]), card, options, root)])
    if test is not None:
        held = read_classes(class_folders(test, several=True), card.size, card.channels)
        seen = known.union(hashes[~is_rare])
        fresh = [
            i
            for i, h in enumerate(map(pixel_hash, held.pixels))
            if h not in seen and h[:SHORT] not in along
        ]
        test_set = held.take(np.array(fresh, dtype=np.int64))
        train_rows = np.flatnonzero(~is_rare | in_support)
    else:
        shares = _shares(everything.labels, seen_along, seed)
        to_test = np.where(is_rare, ~in_support, ~seen_along & (shares < TEST_SHARE))
        # Pictures that appear twice must not stand on both sides.
        in_train = set(hashes[~to_test])
        fresh_rows = [i for i in np.flatnonzero(to_test) if hashes[i] not in in_train]
        test_set = everything.take(np.array(fresh_rows, dtype=np.int64))
        train_rows = np.flatnonzero(~to_test)
    train = everything.take(train_rows)
    rare_test = [c == rare for c in np.array(test_set.classes)[test_set.labels]]
    others = test_set.pixels[np.array(rare_test, dtype=bool)]
    if classifier and not len(others):
        raise UsageError(
            f"There is no real image of {rare} to test on that adapt did not see.",
            "Give class folders of kept-back images with --test DIR.",
        )
    if classifier and len(everything.classes) < 2:
        raise UsageError(
            f"{root} has one class only; a classifier needs others.",
            "Name a folder of class folders with --dataset DIR.",
        )
    if classifier and set(test_set.classes) != set(train.classes):
        odd = ", ".join(sorted(set(test_set.classes) ^ set(train.classes)))
        raise UsageError(f"--test and the training classes differ: {odd}.", "Make them agree.")
    return Real(support, others, train, test_set)


def _moved(gone: set[str], card: Card, options: dict[str, Any], root: Path) -> Pixels:
    """Support images that are not in the folder ``root``, from where adapt read them."""
    files = [path for path in map(Path, options.get("images", [])) if path.is_file()]
    found = np.empty((0, card.channels, card.size, card.size), np.uint8)
    if gone and files:
        pixels = read_classes({card.class_name: files}, card.size, card.channels).pixels
        found = pixels[[pixel_hash(image) in gone for image in pixels]]
    if left := len(gone.difference(map(pixel_hash, found))):
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
