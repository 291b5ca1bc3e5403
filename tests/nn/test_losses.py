"""Losses against values worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from l2laug.nn.losses import (
    critic_loss,
    generator_loss,
    kl_divergence,
    pyramid_distance,
    unit_slope_penalty,
    zero_centred_penalty,
)

REAL, FAKE = torch.tensor([2.0, 0.0]), torch.tensor([-2.0, 0.5])


class Linear(nn.Module):
    """Scores a pair ``a * sum(given) + b * sum(other)``: its gradient is a and b everywhere."""

    def __init__(self, a: float, b: float) -> None:
        super().__init__()
        self.a, self.b = a, b

    def forward(self, given: Tensor, other: Tensor) -> Tensor:
        return self.a * given.flatten(1).sum(1) + self.b * other.flatten(1).sum(1)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("hinge", (0 + 1) / 2 + (0 + 1.5) / 2),
        ("wgan", (-2 + 0.5) / 2 - (2 + 0) / 2),
    ],
)
def test_critic_loss(kind: str, expected: float):
    assert critic_loss(REAL, FAKE, kind).item() == expected


def test_generator_loss_falls_as_the_score_of_fakes_rises():
    assert generator_loss(FAKE).item() == 0.75
    assert generator_loss(FAKE + 1).item() == -0.25


def test_r1_of_a_linear_critic():
    given, real = torch.randn(2, 5, 1, 2, 2)

    # Four pixels an image: 1/2 (4 * 3^2 + 4 * 2^2).
    assert zero_centred_penalty(Linear(3, 2), given, real).item() == pytest.approx(26)


class Unconditioned(nn.Module):
    """Does not look at the given image, as the critic of phi(z)."""

    def forward(self, _: Tensor, other: Tensor) -> Tensor:
        return 2 * other.flatten(1).sum(1)


def test_r1_of_a_critic_that_is_not_given_anything():
    given, real = torch.randn(2, 5, 1, 2, 2)

    assert zero_centred_penalty(Unconditioned(), given, real).item() == pytest.approx(8)


def test_r1_of_a_flat_critic_is_zero():
    given, real = torch.randn(2, 5, 1, 2, 2)

    assert zero_centred_penalty(Linear(0, 0), given, real).item() == 0


@pytest.mark.parametrize(("slope", "expected"), [(2.0, 9.0), (0.5, 0.0), (0.0, 1.0)])
def test_wgan_gp_of_a_linear_critic(slope: float, expected: float):
    given, real, fake = torch.randn(3, 5, 1, 2, 2)
    random = torch.Generator().manual_seed(0)

    # Four pixels an image: the gradient's norm is twice the slope, its distance from 1 squared.
    penalty = unit_slope_penalty(Linear(7, slope), given, real, fake, random)

    assert penalty.item() == pytest.approx(expected, abs=1e-6)


def test_penalties_can_be_learned_from():
    critic = nn.Linear(8, 1)

    def score(given: Tensor, other: Tensor) -> Tensor:
        return critic(torch.cat([given, other], 1).flatten(1)).squeeze(1)

    given, real = torch.randn(2, 5, 1, 2, 2)
    zero_centred_penalty(score, given, real).backward()

    # 1/2 |w|^2 has the gradient w.
    assert torch.allclose(critic.weight.grad, critic.weight)


@pytest.mark.parametrize(
    ("mean", "variance", "kl"),
    [(0.0, 1.0, 0.0), (1.0, 1.0, 3 * 0.5), (0.0, 4.0, 3 * 0.5 * (3 - math.log(4)))],
)
def test_divergence_from_the_standard_normal(mean: float, variance: float, kl: float):
    latents = torch.full((2, 3), mean), torch.full((2, 3), math.log(variance))
    assert kl_divergence(*latents).item() == pytest.approx(kl, abs=1e-6)


def test_what_is_off_everywhere_is_off_at_every_size():
    x = torch.rand(2, 1, 16, 16)
    assert pyramid_distance(x, x + 0.25).item() == pytest.approx(0.25, abs=1e-6)


def test_a_line_beside_its_place_is_nearer_than_one_far_from_it():
    place, beside, far = torch.zeros(3, 1, 1, 32, 32)
    place[..., 8], beside[..., 9], far[..., 24] = 1.0, 1.0, 1.0

    # Columns 8 and 9 share each larger pixel: they differ at full size alone.
    assert pyramid_distance(place, beside).item() == pytest.approx(2 / 32 / 4)
    assert pyramid_distance(place, far).item() == pytest.approx(2 / 32)
