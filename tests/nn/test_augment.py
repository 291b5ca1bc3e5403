"""Random affine changes: measured on ramps, which show where each pixel came from."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from l2laug.nn.augment import random_affine

SIDE = 33


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ramps(count: int) -> Tensor:
    """Images whose two channels hold x and y of each pixel, from -1 at one border to 1."""
    places = (torch.arange(SIDE) * 2 + 1) / SIDE - 1
    y, x = torch.meshgrid(places, places, indexing="ij")
    return torch.stack([x, y]).expand(count, 2, SIDE, SIDE)


def measured(images: Tensor) -> tuple[Tensor, Tensor]:
    """The matrix ``(N, 2, 2)`` and the shift ``(N, 2)`` that the ramps went through."""
    middle, step = SIDE // 2, SIDE / 4
    centre = images[:, :, middle, middle]
    by_x = (images[:, :, middle, middle + 1] - images[:, :, middle, middle - 1]) * step
    by_y = (images[:, :, middle + 1, middle] - images[:, :, middle - 1, middle]) * step
    return torch.stack([by_x, by_y], 2), centre


def test_strength_0_changes_nothing():
    x = torch.rand(4, 3, 32, 32) * 2 - 1

    assert torch.allclose(random_affine(x, seeded(), strength=0), x, atol=1e-4)


@pytest.mark.parametrize("strength", [1.0, 0.5])
def test_turn_shift_and_scale_keep_to_their_limits_and_use_them(strength: float):
    matrix, shift = measured(random_affine(ramps(500), seeded(), strength=strength))
    turn = torch.atan2(matrix[:, 1, 0], matrix[:, 0, 0]).abs().max()
    change = (matrix.det().rsqrt() - 1).abs().max()

    assert 0.9 * 12 * strength < math.degrees(turn) < 12 * strength + 0.01
    assert 0.9 * 0.15 * strength < change < 0.15 * strength + 1e-3
    # A tenth of the side is 0.2 where the side goes from -1 to 1.
    assert 0.9 * 0.2 * strength < shift.abs().max() < 0.2 * strength + 1e-3


def test_each_image_is_changed_by_its_own_amount():
    _, shift = measured(random_affine(ramps(50), seeded()))

    assert len(torch.unique(shift[:, 0])) == 50


def test_values_stay_within_range_and_a_plain_image_stays_plain():
    x = torch.rand(16, 1, 32, 32) * 2 - 1

    assert random_affine(x, seeded()).abs().max() <= 1
    plain = torch.full((16, 1, 32, 32), 0.7)
    assert torch.allclose(random_affine(plain, seeded()), plain, atol=1e-5)


def test_the_generator_decides():
    x = torch.rand(4, 1, 32, 32)

    assert torch.equal(random_affine(x, seeded(3)), random_affine(x, seeded(3)))
    assert not torch.equal(random_affine(x, seeded(3)), random_affine(x, seeded(4)))
