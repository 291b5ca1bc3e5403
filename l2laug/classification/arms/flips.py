"""Flips and turns, and whether the classes survive them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits
from torch import Tensor

from l2laug.core.arrays import Features, Pixels

SETS = ("mirror", "upside-down", "both", "turns")  # what an arm may draw from, few to all eight
FEWEST, MOST = 8, 40  # images of a class that a symmetry is tried on
TOLD_APART = 0.58  # share of images rightly told from their flipped selves where a flip shows

SYMMETRIES: Mapping[str, Callable[[Pixels], Pixels]] = {
    "mirror": lambda p: p[..., ::-1],
    "upside-down": lambda p: p[..., ::-1, :],
    "turns": lambda p: np.rot90(p, axes=(-2, -1)),
}


def flip(x: Tensor, random: torch.Generator, among: str) -> Tensor:
    """Flip or turn each image ``(N, C, S, S)`` by chance, the identity among the ways.

    Args:
        x: square images.
        random: a CPU generator.
        among: ``mirror`` (left and right), ``upside-down``, ``both``, or ``turns`` for all eight
            symmetries of the square.
    """
    draws = torch.rand(3, len(x), generator=random).to(x.device) < 0.5
    left, up, diagonal = (d[:, None, None, None] for d in draws)
    if among != "upside-down":
        x = torch.where(left, x.flip(-1), x)
    if among != "mirror":
        x = torch.where(up, x.flip(-2), x)
    # The two flips and the mirror at the diagonal make all eight symmetries.
    return torch.where(diagonal, x.transpose(-1, -2), x) if among == "turns" else x


def allowed_sets(survived: Sequence[str]) -> tuple[str, ...]:
    """The sets of flips that an arm may try, given the single symmetries that classes survive."""
    known = set(survived)
    sets: list[str] = [name for name in ("mirror", "upside-down") if name in known]
    if len(sets) == 2:
        # Three at most, as of every arm's strengths.
        return ("mirror", "both", "turns") if "turns" in known else (*sets, "both")
    return tuple(sets)


def find_symmetries(
    pixels: Pixels,
    labels: NDArray[np.int64],
    features: Callable[[Pixels], Features],
    seed: int = 0,
) -> dict[str, float]:
    """How well the images of a class are told from their flipped selves, 0 to 1, by symmetry.

    For each class a logistic regression learns to tell images from their flipped selves and is
    asked about others (threefold, an image and its flipped self on the same side). At .5 nobody
    can tell that an image was flipped, so flipped ones are as good as real ones. Classes of fewer
    than :data:`FEWEST` images are left out; without any class the answer is empty.

    Args:
        pixels: uint8 ``(N, C, S, S)`` of classes that are not rare.
        labels: ``(N,)`` their classes.
        features: what they are told apart by.
        seed: of the choice of images and folds.
    """
    random = np.random.default_rng(seed)
    groups = [
        random.permutation(mine)[:MOST]
        for label in np.unique(labels)
        if len(mine := np.flatnonzero(labels == label)) >= FEWEST
    ]
    if not groups:
        return {}
    rows = np.concatenate(groups)
    parts = np.split(np.arange(len(rows)), np.cumsum([len(g) for g in groups])[:-1])
    plain, found = features(pixels[rows]), {}
    for name, symmetry in SYMMETRIES.items():
        flipped = features(np.ascontiguousarray(symmetry(pixels[rows])))
        right = np.concatenate([_told_apart(plain[p], flipped[p], seed) for p in parts])
        found[name] = float(right.mean())
    return found


def survived(told_apart: Mapping[str, float]) -> tuple[str, ...]:
    """The symmetries that are not to be told: see :data:`TOLD_APART`."""
    return tuple(name for name, share in told_apart.items() if share < TOLD_APART)


def _told_apart(plain: Features, flipped: Features, seed: int) -> NDArray[np.bool_]:
    x = np.concatenate([plain, flipped])
    x = (x - x.mean(0)) / (x.std(0) + 0.05)
    y = np.repeat([0, 1], len(plain))
    images = np.tile(np.arange(len(plain)), 2)
    right = np.zeros(len(y), dtype=np.bool_)
    for a, b in GroupKFold(3, shuffle=True, random_state=seed).split(x, y, images):
        with threadpool_limits(1):  # see fit_path
            model = LogisticRegression(C=1e-3, max_iter=100, tol=1e-3).fit(x[a], y[a])
        right[b] = model.predict(x[b]) == y[b]
    return right
