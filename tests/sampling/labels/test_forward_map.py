"""The inverse of affine motions in closed form, and of bent meshes by reading there again."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.sampling.labels.forward_map import ForwardMap
from tests.sampling.test_apply_change import NODES, grid

SIZE = np.array((300, 200))


def test_an_affine_motion_is_inverted_in_closed_form() -> None:
    matrix, shift = np.array(((0.9, 0.3), (-0.2, 1.1))), np.array((0.1, -0.2))
    there = ForwardMap(grid(matrix, tuple(shift)), (300, 200))
    points = np.random.default_rng(0).uniform(-50, 350, (200, 2))
    unit = points / SIZE * 2 - 1
    wanted = ((unit - shift) @ np.linalg.inv(matrix).T + 1) / 2 * SIZE
    assert there(points) == pytest.approx(wanted, abs=1e-2)


@pytest.mark.parametrize("seed", range(5))
def test_what_a_bent_mesh_reads_is_found_again(seed: int) -> None:
    random = np.random.default_rng(seed)
    where = grid() + random.normal(0, 0.04, (NODES, NODES, 2)).astype(np.float32)
    there = ForwardMap(where, (300, 200))
    points = random.uniform(0, 1, (500, 2)) * SIZE
    assert np.abs(there.read_at(there(points)) - points).max() < 1e-3
