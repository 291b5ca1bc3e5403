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


def test_only_the_different_rows_of_a_group_count():
    # Groups (1, 3, 1, 3), of two different images, and (2, 4, 4, 6), of four.
    x = torch.tensor([1.0, 2, 3, 4, 1, 4, 3, 6]).view(8, 1, 1, 1)
    drawn = torch.tensor([1.0, 2, 3, 4, 50, 4, -70, 6]).view(8, 1, 1, 1)  # of the same classes

    # (1, 3) deviates by 1. Of a normal distribution 4 values deviate by .9213 (3/4)^.5, 2 by
    # .7979 (1/2)^.5 (control chart constants c4; the roots since the sum is divided by the number
    # of values): 2^.5 times as much, which is also what (2, 4, 4, 6) deviate by.
    for rows in (x, drawn):
        plane = group_deviation(rows, 4, torch.tensor([2, 4]))[:, 1].flatten()
        assert plane.tolist() == pytest.approx([2**0.5] * 8, abs=1e-3)


@pytest.mark.parametrize("distinct", [2, 3, 4])
def test_groups_with_repeats_deviate_as_far_as_full_groups_on_average(distinct: int):
    random = torch.Generator().manual_seed(0)
    values = torch.randn(4, 20_000, 1, 1, 1, generator=random)
    repeating = values[torch.arange(4) % distinct]

    plane = group_deviation(
        repeating.flatten(0, 1), 4, torch.full((20_000,), distinct, dtype=torch.int64)
    )[:, 1]

    # c4 (3/4)^.5 = .798; the mean of 20,000 groups is off by .6 / 20,000^.5 at most.
    assert plane.mean().item() == pytest.approx(0.9213 * 0.75**0.5, abs=4 * 0.6 / 20_000**0.5)


def test_full_groups_deviate_alike_whether_or_not_their_number_is_told():
    x = torch.randn(8, 3, 4, 4)

    told = group_deviation(x, 4, torch.tensor([4, 4]))

    torch.testing.assert_close(told, group_deviation(x, 4))


def test_groups_of_one_row_deviate_by_nothing():
    plane = group_deviation(torch.randn(3, 2, 4, 4), 1, torch.ones(3, dtype=torch.int64))[:, 2]

    assert not plane.any()


def test_groups_of_one_image_deviate_as_far_as_they_are_told_and_no_others_do():
    # Groups are rows 0, 2, of one different image, and rows 1, 3: (2, 6) deviates by 2.
    x = torch.tensor([1.0, 2, 9, 6]).view(4, 1, 1, 1)

    plane = group_deviation(x, 2, torch.tensor([1, 2]), torch.tensor([0.5, 7.0]))[:, 1]

    assert plane.flatten().tolist() == pytest.approx([0.5, 2, 0.5, 2])


def test_how_far_draws_vary_is_nothing_to_the_critic_where_one_image_is_known():
    critic = Critic(CriticOptions(width=4, max_width=8, group=2), GeneratorOptions())
    given, other = torch.rand(2, 4, 1, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    other.requires_grad_()
    # Groups are rows 0, 2 and rows 1, 3: of the first class one other image is known, of the
    # second two.
    for group, heard in ((0, False), (1, True)):
        unknown = critic.deviation(given, other)
        score = critic(given, other, torch.tensor([1, 2]), unknown)[group]
        (slope,) = torch.autograd.grad(score, [other])
        assert slope[group].any()
        assert bool(slope[group + 2].any()) == heard


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
