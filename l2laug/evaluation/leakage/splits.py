"""Real images split into those that training sees and those that are tested on, without leaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from l2laug.artifacts.model_card import SHORT, Card
from l2laug.core.arrays import pixel_hash
from l2laug.data.groups import read_groups
from l2laug.data.image_set import ImageSet
from l2laug.evaluation.leakage.near_identical import Pair, find_near_identical
from l2laug.evaluation.leakage.report import (
    LEFT_OUT,
    REPEATED,
    SUPPORT,
    TEST,
    TRAIN,
    NearIdentical,
    notes,
    records,
)
from l2laug.evaluation.leakage.units import Labels, choose_test, units_of

TEST_SHARE = 0.3
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Split:
    """Images to train and to test on.

    Attributes:
        train, test: the images.
        train_units: the unit of each image of ``train``.
        left_out: how many images of the rare class are not tested on for being near-identical to
            images that adapt or training sees, or of their groups.
        found: near-identical images.
        notes: on these and on groups.
    """

    train: ImageSet
    test: ImageSet
    train_units: Labels
    left_out: int
    found: tuple[NearIdentical, ...]
    notes: tuple[str, ...]


def split_within(images: ImageSet, card: Card, groups: str | None, seed: int) -> Split:
    """Three in ten of each other class's images to test on, and the rare class's others.

    Args:
        images: of all classes, the support set among them.
        card: of the adapted model: what it has seen is not tested on.
        groups: of ``--groups``.
        seed: of the choice.
    """
    rare = images.classes.index(card.class_name)
    hashes, is_rare = image_hashes(images), images.labels == rare
    in_support, along = _seen(hashes, card)
    units, pairs, names = _look(images.pixels, images.paths, groups)
    kept = in_support | along
    to_test = choose_test(images.labels, units, kept, rare, TEST_SHARE, seed)
    to_train = ~to_test & (~is_rare | in_support)
    left_out = is_rare & ~to_test & ~kept
    tested = _once(hashes, images.labels, pairs, to_test)
    sides = _sides(in_support & is_rare, to_train, to_test, left_out, tested)
    said = notes(records(pairs, images.paths, sides), images.paths, sides, names, is_rare.tolist())
    said += _untested(images, to_test, kept)
    return Split(
        images.take(np.flatnonzero(to_train)),
        images.take(tested),
        units[to_train],
        int(left_out.sum()),
        records(pairs, images.paths, sides),
        tuple(said),
    )


def split_against(images: ImageSet, held: ImageSet, card: Card, groups: str | None) -> Split:
    """All images that are given to test on, but those that adapt or training sees the like of.

    Args:
        images: of all classes, the support set among them; what the rare class has beside it is
            not used.
        held: to test on.
        card: of the adapted model: what it has seen is not tested on.
        groups: of ``--groups``.
    """
    in_support, _ = _seen(image_hashes(images), card)
    is_rare = images.labels == images.classes.index(card.class_name)
    train = images.take(np.flatnonzero(~is_rare | in_support))
    count = len(train.pixels)
    support = (is_rare & in_support)[~is_rare | in_support]
    hashes = image_hashes(held)
    known, along = _seen(hashes, card)
    paths = train.paths + held.paths
    units, pairs, names = _look(np.concatenate([train.pixels, held.pixels]), paths, groups)
    seen_before = known | along | np.isin(hashes, image_hashes(train))
    # A test image that adapt has seen makes its whole unit one that it has seen.
    seen_units = np.concatenate([units[:count], units[count:][seen_before]])
    to_test = ~seen_before & ~np.isin(units[count:], seen_units)
    left_out = ~seen_before & ~to_test
    among_held = [_moved(pair, count) for pair in pairs if pair.first >= count]
    tested = _once(hashes, held.labels, among_held, to_test)
    nothing, none = np.zeros(len(hashes), bool), np.zeros(count, bool)
    sides = _sides(support, ~support, none, none, np.empty(0, np.int64))
    sides += _sides(known, nothing, to_test, left_out | seen_before, tested)
    rare_held = held.labels == held.classes.index(card.class_name)
    is_rare = np.concatenate([train.labels == train.classes.index(card.class_name), rare_held])
    found = records(pairs, paths, sides)
    return Split(
        train,
        held.take(tested),
        units[:count],
        int((left_out & rare_held).sum()),
        found,
        tuple(notes(found, paths, sides, names, is_rare.tolist())),
    )


def image_hashes(images: ImageSet) -> NDArray[np.str_]:
    """The hash of each image's pixels, ``(N,)``."""
    return np.array([pixel_hash(p) for p in images.pixels])


def first_rows(hashes: NDArray[np.str_]) -> Labels:
    """The rows of pictures that none before them is: one that lies there twice counts once."""
    return np.sort(np.unique(hashes, return_index=True)[1]).astype(np.int64)


def _once(hashes: NDArray[np.str_], labels: Labels, pairs: Sequence[Pair], chosen: Mask) -> Labels:
    """The rows of the chosen pictures, of those of a class that are near-identical the first."""
    rows = np.flatnonzero(chosen)
    rows = rows[first_rows(hashes[rows])]
    twins = units_of(len(hashes), pairs, [])[rows]
    _, first = np.unique(np.stack([twins, labels[rows]]), axis=1, return_index=True)
    return np.asarray(rows[np.sort(first)], np.int64)


def _moved(pair: Pair, count: int) -> Pair:
    """A pair of rows that are counted from ``count`` on."""
    return replace(pair, first=pair.first - count, second=pair.second - count)


def _seen(hashes: NDArray[np.str_], card: Card) -> tuple[Mask, Mask]:
    """Which images are of the support set, and which the generator learned along."""
    known, along = set(card.support_hashes), set(card.base_hashes)
    in_support = np.array([h in known for h in hashes], dtype=bool)
    return in_support, np.array([h[:SHORT] in along for h in hashes], dtype=bool)


def _look(
    pixels: NDArray[np.uint8], paths: Sequence[Path], groups: str | None
) -> tuple[Labels, list[Pair], list[str | None]]:
    """Units, near-identical pairs and groups of some images."""
    names = [] if groups is None else read_groups(groups, paths)
    pairs = find_near_identical(pixels)
    return units_of(len(pixels), pairs, names), pairs, names


def _sides(support: Mask, train: Mask, test: Mask, left_out: Mask, tested: Labels) -> list[str]:
    """Where each image stands, the first of these that it is; ``tested`` are rows that count."""
    counts = np.isin(np.arange(len(test)), tested)
    masks = [support, train, test & counts, test, left_out]
    names = [SUPPORT, TRAIN, TEST, REPEATED, LEFT_OUT]
    return [str(side) for side in np.select(masks, names, "")]


def _untested(images: ImageSet, to_test: Mask, kept: Mask) -> list[str]:
    """A note on classes that could be tested on, were their images not of too few units."""
    free = np.bincount(images.labels[~kept], minlength=len(images.classes))
    tested = np.bincount(images.labels[to_test], minlength=len(images.classes))
    many = np.bincount(images.labels) > 1
    missing = [images.classes[i] for i in np.flatnonzero((free > 0) & many & (tested == 0))]
    if not missing:
        return []
    told = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if missing[5:] else "")
    return [
        f"No image of {told} is tested on: there are too few groups of them, or too many of them "
        "are near-identical, to have some on either side. Give others with --test."
    ]
