"""Classical augmentation: light changes, shapes stay; grey stays grey."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from l2laug.classification.arms.classical import change_light
from l2laug.classification.arms.policy import Policy, apply_policy

CPU = torch.device("cpu")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def halves(count: int, channels: int) -> Tensor:
    """Pictures whose left half is of one colour and whose right half is of a lighter one."""
    pictures = torch.full((count, channels, 32, 32), 60, dtype=torch.uint8)
    pictures[..., 16:] = 190
    pictures[:, 0] += 20
    return pictures


@pytest.mark.parametrize("channels", [1, 3])
def test_no_pixel_moves_when_the_light_changes(channels: int):
    changed = change_light(halves(200, channels), seeded())

    assert changed.shape == (200, channels, 32, 32)
    assert changed.dtype == torch.uint8
    # Sharpness mixes a pixel with its neighbours, so the seam's two columns may differ.
    for half in (changed[..., :15], changed[..., 17:]):
        assert (half == half[..., :1, :1]).all()
    seam_stays = changed[..., 0, 15] == changed[..., 0, 0]
    assert seam_stays.float().mean() > 0.7


@pytest.mark.parametrize("channels", [1, 3])
def test_each_picture_is_changed_by_itself(channels: int):
    changed = change_light(halves(64, channels), seeded())

    assert len(changed.unique(dim=0)) > 20


def test_the_generator_decides_and_the_global_one_is_left_alone():
    before = torch.get_rng_state()

    first, again, other = (change_light(halves(16, 3), seeded(s)) for s in (3, 3, 4))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_ends_within_range(channels: int):
    pixels = torch.randint(256, (16, channels, 32, 32), dtype=torch.uint8, generator=seeded())

    unit = apply_policy(Policy(classical=1.0), pixels, seeded(), CPU)

    assert unit.shape == pixels.shape
    assert unit.dtype == torch.float32
    assert unit.abs().max() <= 1


def test_half_the_strength_changes_light_half_as_far():
    grey = torch.full((300, 1, 8, 8), 100, dtype=torch.uint8)

    # Brightness goes to 0.99 times either way at full strength, and to half of that at half.
    brightest = [change_light(grey, seeded(), s).float().mean((1, 2, 3)).max() for s in (0.5, 1)]

    assert brightest[1] > 190
    assert brightest[0] < 160
