"""The pair critic and the deviation it sees within groups."""

from __future__ import annotations

import pytest
import torch

from l2laug.config.recipe import CriticOptions, GeneratorOptions
from l2laug.nn.critic import Critic, group_deviation


def test_rows_of_one_group_that_are_equal_deviate_by_nothing():
    one, other = torch.randn(3, 4, 4), torch.randn(3, 4, 4)
    # Groups are rows 0, 2 and rows 1, 3.
    x = torch.stack([one, other, one, other])

    result = group_deviation(x, 2)

    assert result.shape == (4, 4, 4, 4)
    assert torch.equal(result[:, :3], x)
    assert result[:, 3].abs().max() < 1e-3


def test_the_deviation_of_a_group_is_its_standard_deviation():
    x = torch.tensor([1.0, 2.0, 3.0, 6.0]).view(4, 1, 1, 1)

    # (1, 3) deviates by 1 from its mean, (2, 6) by 2 from its own.
    assert group_deviation(x, 2)[:, 1].flatten().tolist() == pytest.approx([1, 2, 1, 2])


def test_the_deviation_is_averaged_over_the_map():
    x = torch.zeros(2, 1, 1, 2)
    x[1, 0, 0, 1] = 4  # one of two places differs, by 2 from the mean of the two rows

    assert group_deviation(x, 2)[0, 1].flatten().tolist() == pytest.approx([1, 1], abs=1e-3)


@pytest.mark.parametrize(("size", "channels"), [(32, 1), (48, 3), (96, 3)])
def test_the_critic_gives_one_score_a_pair(size: int, channels: int):
    critic = Critic(
        CriticOptions(width=4, max_width=8, group=2), GeneratorOptions(size=size, channels=channels)
    )
    given, other = torch.rand(2, 4, channels, size, size) * 2 - 1

    scores = critic(given, other)

    assert scores.shape == (4,)
    assert not torch.allclose(scores, critic(other, given)), "which of the two is given matters"
    assert not torch.allclose(scores, critic(given, given))


@pytest.mark.parametrize("conditioned", [True, False])
def test_the_critic_of_phi_of_z_does_not_see_the_given_image(conditioned: bool):
    image = GeneratorOptions(conditioned=conditioned)
    critic = Critic(CriticOptions(width=8, max_width=16, group=2), image)
    given, other = torch.randn(4, 1, 32, 32), torch.randn(4, 1, 32, 32)

    assert torch.equal(critic(given, other), critic(-given, other)) != conditioned
    assert not torch.equal(critic(given, other), critic(given, -other))
