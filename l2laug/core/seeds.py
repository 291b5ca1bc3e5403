"""Seeds derived from seeds, so that no two streams of random numbers overlap."""

from __future__ import annotations

import numpy as np


def derived_seed(*parts: int) -> int:
    """One seed from several numbers, for generators that take no tuple: 0 to 2^63 - 1.

    Sums would make seed 0, part 1 the same stream as seed 1, part 0; a hash of them all does not
    (NumPy's SeedSequence).

    Args:
        parts: each 0 or more, such as a seed and the number of a class.
    """
    state = np.random.SeedSequence(parts).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))
