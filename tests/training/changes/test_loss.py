"""The terms of a change's loss, each against an answer worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from l2laug.nn.changes.change import Warp
from l2laug.nn.changes.projected_critic import ProjectedCritic
from l2laug.training.changes.loss import (
    bending,
    critic_terms,
    log_contrast,
    lost_contrast,
    outside_share,
    prior_mismatch,
    set_drift,
    turn_distance,
)


def images(count: int = 4, side: int = 32) -> torch.Tensor:
    """Smooth random images within half of [-1, 1]."""
    random = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 5, 5, generator=random) - 0.5
    return F.interpolate(coarse, (side, side), mode="bicubic", align_corners=True)


@pytest.mark.parametrize(("factor", "lost"), [(1, 0), (0.9, 0), (1.3, 0), (0.5, 0.54), (2, 0.39)])
def test_contrast_may_move_a_little_and_no_more(factor: float, lost: float) -> None:
    x = images()
    assert torch.allclose(log_contrast(x * factor, x), torch.tensor(math.log(factor)), atol=0.02)
    assert float(lost_contrast(x * factor, x)) == pytest.approx(lost, abs=0.02)


def test_brightness_is_no_contrast_and_one_image_does_not_pay_for_another() -> None:
    x = images()
    assert float(lost_contrast(x + 0.3, x)) == pytest.approx(0, abs=1e-5)
    mixed = torch.cat([x[:2] * 0.5, x[2:] * 2])
    assert float(set_drift(mixed, x)) < 0.01  # the set as a whole has kept its own
    assert float(lost_contrast(mixed, x)) > 0.4


def test_a_flat_image_has_no_contrast_to_lose() -> None:
    flat = torch.full((2, 3, 8, 8), 0.2)
    assert float(lost_contrast(flat, flat)) == 0


def test_affine_motions_do_not_bend_and_what_is_read_beyond_the_border_counts() -> None:
    warp, still = Warp(5, (32,)), torch.zeros(1, 2, 5, 5)
    motion = torch.tensor([[0.7, 0.2, -0.1, 0.0, 0.0]])
    assert float(bending(warp.grid(motion, still))) < 1e-10
    bent = still.clone()
    bent[0, 0, 2, 2] = 0.1
    # One node off by .1 among 25, in x: in each direction second differences of .1, -.2, .1 in
    # three of 15 places (of 30 numbers), and mixed ones of .1 in four of 16 (of 32).
    straight, mixed = (0.01 + 0.04 + 0.01) / 30, 4 * 0.01 / 32
    found = float(bending(warp.grid(torch.zeros(1, 5), bent)))
    assert found == pytest.approx(2 * straight + 2 * mixed, rel=1e-4)
    shifted = warp.grid(torch.tensor([[0.0, 0, 0, 0.5, 0]]), still)
    # Columns at -1, -.5, 0, .5, 1 move by .5: the last reaches .5 beyond, in one coordinate of two.
    assert float(outside_share(shifted)) == pytest.approx(0.5 / 5 / 2)


def test_a_turn_is_asked_for_where_it_helps_and_only_there() -> None:
    x = images()
    turned = torch.rot90(x, 1, (2, 3))
    warp, still = Warp(5, (32,)), torch.zeros(4, 2, 5, 5)

    def grid(turn: float) -> torch.Tensor:
        return warp.grid(torch.tensor([[turn, 0, 0, 0, 0]]).expand(4, -1), still)

    with torch.no_grad():
        right = [
            turn for turn in (math.pi / 2, -math.pi / 2) if _close(warp, grid(turn), x, turned)
        ]
    assert len(right) == 1  # the sign that rot90 stands for
    assert float(turn_distance(grid(right[0]), x, turned)) < 1e-5
    assert float(turn_distance(grid(0), x, turned)) == pytest.approx(1, abs=1e-5)
    assert float(turn_distance(grid(-right[0]), x, turned)) == pytest.approx(2, abs=1e-5)
    # Nothing is asked for between equal images.
    assert float(turn_distance(grid(1.0), x, x)) == 0


def _close(warp: Warp, grid: torch.Tensor, x: torch.Tensor, wanted: torch.Tensor) -> bool:
    return bool((warp(x, grid) - wanted).abs().mean() < 0.02)


def test_latents_that_say_one_thing_together_are_no_draws_from_the_prior() -> None:
    random = torch.Generator().manual_seed(0)
    free = torch.randn(20_000, 4, generator=random)
    told = torch.full_like(free, -20.0)  # variances of nothing: the means are the latents
    assert abs(float(prior_mismatch(free, told))) < 0.01
    # Four that are one have a covariance of ones: 12 entries off the diagonal, over four latents.
    assert float(prior_mismatch(free[:, :1].expand(-1, 4), told)) == pytest.approx(3, abs=0.1)
    # What is told of no pair is a draw from the prior too.
    assert float(prior_mismatch(torch.zeros(8, 4), torch.zeros(8, 4))) == 0
    # Small batches are right on average.
    small = [prior_mismatch(free[i : i + 8], told[:8]) for i in range(0, 20_000, 8)]
    assert float(torch.stack(small).mean()) == pytest.approx(0, abs=0.05)


def test_the_critic_learns_from_maps_and_the_generator_from_its_score_alone() -> None:
    torch.manual_seed(0)
    critic = ProjectedCritic((3, 5))
    shapes = ((2, 3, 4, 4), (2, 5, 2, 2))
    given, other = ([torch.randn(*shape) for shape in shapes] for _ in range(2))
    free = [torch.randn(*shape, requires_grad=True) for shape in shapes]
    critic.eval()  # the power iteration of spectral norm stands still
    raised, learned = critic_terms(critic, given, other, free)
    with torch.no_grad():
        real, fake = critic(given, other), critic(given, free)
    hinge = (1 - real).clamp(min=0).mean() + (1 + fake).clamp(min=0).mean()
    assert raised.item() == pytest.approx(-fake.mean().item(), abs=1e-6)
    assert learned.item() == pytest.approx(hinge.item(), abs=1e-6)
    raised.backward(retain_graph=True)
    assert all(m.grad is not None and float(m.grad.abs().sum()) > 0 for m in free)
    assert all(weight.grad is None for weight in critic.parameters())
    for m in free:
        m.grad = None
    learned.backward()
    assert all(m.grad is None for m in free)
    assert any(weight.grad is not None for weight in critic.parameters())
