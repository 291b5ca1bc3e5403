"""Units: images that stay together in every split, and which units to test on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from l2laug.evaluation.leakage.near_identical import Pair

MOST_OF_FEW = 0.5  # of a class that is tested on where its units are too large for the usual share

Labels = NDArray[np.int64]


def units_of(count: int, pairs: Sequence[Pair], groups: Sequence[str | None]) -> Labels:
    """The unit ``(N,)`` of each image: near-identical ones share it, and those of a group.

    Args:
        count: N.
        pairs: near-identical images.
        groups: the group of each image, None where it has none; or nothing at all.
    """
    first: dict[str, int] = {}
    links = [(pair.first, pair.second) for pair in pairs]
    links += [(first.setdefault(g, i), i) for i, g in enumerate(groups) if g is not None]
    if not links:
        return np.arange(count)
    ends = np.array(links).T
    graph = coo_array((np.ones(len(links), np.int8), (ends[0], ends[1])), (count, count))
    units: Labels = connected_components(graph, directed=False)[1].astype(np.int64)
    return units


def choose_test(
    labels: Labels, units: Labels, kept: NDArray[np.bool_], rare: int, share: float, seed: int
) -> NDArray[np.bool_]:
    """Which images to test on, whole units of them, ``(N,)``.

    Units in random order are taken as long as no other class than the rare one has more than
    ``share`` of its images among them; those with images of the rare class come first, as these
    are for nothing but tests. A class that none is found of gives its smallest unit if that is no
    more than half of any class.

    Args:
        labels: of the class of each image.
        units: of :func:`units_of`.
        kept: images that may not be tested on, nor any of their units.
        rare: label of the rare class.
        share: of each other class, 0 to 1; rounded up to whole images.
        seed: of the order.
    """
    random = np.random.default_rng(seed).random(len(labels))
    sizes = np.bincount(labels)
    limits = np.where(sizes > 1, np.ceil(share * sizes), 0).astype(np.int64)
    limits[rare] = len(labels)
    free = np.setdiff1d(units, units[kept])
    order = np.argsort(random, kind="stable")
    members: dict[int, list[int]] = {int(unit): [] for unit in free}
    for i in order:
        members.get(int(units[i]), []).append(int(i))
    found = {
        unit: np.bincount(labels[rows], minlength=len(sizes)) for unit, rows in members.items()
    }
    turns = sorted(members, key=lambda unit: (not found[unit][rare], random[members[unit][0]]))
    taken, counts = list[int](), np.zeros_like(sizes)
    for unit in turns:
        if (counts + found[unit] <= limits)[found[unit] > 0].all():
            taken.append(unit)
            counts += found[unit]
    most = np.floor(MOST_OF_FEW * sizes)
    most[rare] = len(labels)
    for label in np.flatnonzero(counts == 0):
        holding = [u for u in turns if found[u][label] and (counts + found[u] <= most).all()]
        if label != rare and holding and sizes[label] > 1:
            taken.append(min(holding, key=lambda unit: float((found[unit] / sizes).max())))
            counts += found[taken[-1]]
    to_test = np.zeros(len(labels), bool)
    to_test[[row for unit in taken for row in members[unit]]] = True
    return to_test
