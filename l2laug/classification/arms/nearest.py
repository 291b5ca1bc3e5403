"""The base images that look most like the rare class, borrowed as more images of it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l2laug.core.arrays import Features, directions

EACH = 5  # of every rare image
SHARES = (0.1, 0.25, 0.5)  # of the rare class's weight that borrowed images take

Rows = NDArray[np.int64]


def nearest_rows(features: Features, others: Features) -> Rows:
    """For each row of ``features`` ``(N, D)`` the most alike row of ``others`` ``(M, D)``."""
    found: Rows = (directions(features) @ directions(others).T).argmax(1).astype(np.int64)
    return found


def borrow(rare: Features, base: Features) -> tuple[Rows, Rows]:
    """The nearest base images of every rare image, none of them twice.

    Lim, Salakhutdinov and Torralba 2011 borrow whole images of other classes like this, but learn
    their weights; here a share of the rare class's weight is tuned for all of them.

    Args:
        rare: features ``(N, D)``.
        base: features ``(M, D)``.

    Returns:
        Rows of ``base``, and for each the row of ``rare`` that it is nearest to.
    """
    alike = directions(base) @ directions(rare).T
    nearest, closeness = alike.argmax(1), alike.max(1)
    chosen = np.argsort(-closeness, kind="stable")[: EACH * len(rare)].astype(np.int64)
    return chosen, nearest[chosen].astype(np.int64)
