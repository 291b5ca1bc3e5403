"""Free-form deformation, erasing and flips: what they leave, what they move, how far."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from l2laug.classification.arms.erasing import erase
from l2laug.classification.arms.flips import (
    allowed_sets,
    find_symmetries,
    flip,
    survived,
)
from l2laug.classification.arms.free_form import deform
from l2laug.classification.arms.policy import Policy, apply_policy
from l2laug.core.arrays import Features, Pixels


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def slope(count: int, side: int = 64) -> Tensor:
    """Images whose value is the x coordinate, from -1 to 1."""
    across = (torch.arange(side) + 0.5) / side * 2 - 1
    return across.expand(count, 1, side, side).clone()


def test_a_deformation_reads_as_far_away_as_its_control_points_moved():
    moved = deform(slope(200), seeded(), 0.02) - slope(200)

    # Of the control point in the middle, whose shifts are half of 2 * 0.02 in sides: in the
    # units of the slope their deviation is 0.04. Pixel 32 lies half a pixel beside it.
    middle = moved[:, 0, 32, 32]
    assert middle.std() == pytest.approx(0.04, rel=0.2)
    assert middle.mean().abs() < 0.01
    assert torch.allclose(deform(slope(3), seeded(), 0.0), slope(3), atol=1e-5)
    # Neighbours move together: nowhere does a step to the next pixel go back or over three times.
    steps = deform(slope(200), seeded(), 0.02).diff(dim=-1)[..., 4:-4] / (2 / 64)
    assert steps.quantile(0.01) > 0.2
    assert steps.quantile(0.99) < 2


def test_half_of_the_images_lose_a_rectangle_and_the_rest_stays():
    x = torch.zeros(400, 3, 32, 32)

    gone = (erase(x, seeded(), 0.4) != 0).any(1)

    lost = gone.float().mean((1, 2))
    assert (lost > 0).float().mean() == pytest.approx(0.5, abs=0.08)
    assert lost.max() < 0.45
    assert lost[lost > 0].mean() == pytest.approx(0.4 * 0.6, abs=0.03)
    rows, columns = gone.any(2).sum(1), gone.any(1).sum(1)
    assert torch.equal(rows * columns, gone.sum((1, 2))), "what is gone is a rectangle"


@pytest.mark.parametrize(
    ("among", "ways"), [("mirror", 2), ("upside-down", 2), ("both", 4), ("turns", 8)]
)
def test_every_symmetry_comes_up_about_as_often(among: str, ways: int):
    image = torch.arange(16.0).view(1, 1, 4, 4)

    seen = flip(image.expand(800, 1, 4, 4), seeded(), among)

    kinds, counts = seen.unique(dim=0, return_counts=True)
    assert len(kinds) == ways
    assert counts.min() > 0.6 * 800 / ways
    assert all(torch.equal(k.sort().values, k.sort().values) for k in kinds.flatten(1))
    assert (kinds.flatten(1).sort(1).values == torch.arange(16.0)).all()
    if among == "mirror":
        assert {tuple(k[0, 0].tolist()) for k in kinds} == {(0, 1, 2, 3), (3, 2, 1, 0)}


def pixels_as_features(pixels: Pixels) -> Features:
    return pixels.reshape(len(pixels), -1) / 255.0


def test_only_flips_that_do_not_show_are_survived():
    """Images that are bright on the left and alike above and below."""
    pixels = np.random.default_rng(0).integers(0, 100, (40, 1, 6, 6))
    pixels[..., :3] += 150

    told = find_symmetries(pixels.astype(np.uint8), np.arange(40) % 2, pixels_as_features)

    assert told["mirror"] == told["turns"] == 1
    assert told["upside-down"] < 0.58 or told["upside-down"] == pytest.approx(0.5, abs=0.15)
    assert survived({"mirror": 1.0, "upside-down": 0.5, "turns": 0.8}) == ("upside-down",)
    assert find_symmetries(pixels[:4].astype(np.uint8), np.zeros(4, int), pixels_as_features) == {}


def test_sets_of_flips_are_made_of_those_that_are_survived():
    assert allowed_sets(()) == allowed_sets(("turns",)) == ()
    assert allowed_sets(("mirror", "turns")) == ("mirror",)
    assert allowed_sets(("mirror", "upside-down")) == ("mirror", "upside-down", "both")
    assert allowed_sets(("mirror", "upside-down", "turns")) == ("mirror", "both", "turns")


def test_a_policy_of_nothing_changes_nothing_and_others_stay_within_range():
    pixels = torch.randint(256, (8, 3, 16, 16), dtype=torch.uint8, generator=seeded())
    cpu = torch.device("cpu")
    every = Policy(classical=1.5, free_form=0.08, flips="turns", erasing=0.4)

    plain = apply_policy(Policy(), pixels, seeded(), cpu)
    changed = apply_policy(every, pixels, seeded(), cpu)

    assert Policy().plain
    assert not every.plain
    assert torch.equal(((plain + 1) * 127.5).round().byte(), pixels)
    assert changed.shape == pixels.shape
    assert changed.abs().max() <= 1 + 1e-5
    assert torch.equal(changed, apply_policy(every, pixels, seeded(), cpu))
