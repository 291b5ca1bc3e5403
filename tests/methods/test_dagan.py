"""DAGAN: its losses by hand, and what it turns."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from l2laug.methods.dagan import Dagan, DaganGenerator, turned_pairs
from l2laug.methods.learning.episodes import Episode
from l2laug.methods.learning.method import Step
from tests.methods.recipes import small


class Slope(nn.Module):
    """A critic whose gradient by the candidate is 1 / 8 at each of 1024 pixels: of norm 4."""

    def forward(self, given: Tensor, other: Tensor) -> Tensor:
        del given
        return other.flatten(1).sum(1) / 8


class Dark(nn.Module):
    """Draws -0.5 whatever it is given."""

    def __init__(self, options: object) -> None:
        super().__init__()
        self.options = options
        self.level = nn.Parameter(torch.tensor(-0.5))

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        del z
        return self.level.expand_as(x)


def test_the_losses_are_those_of_wgan_gp():
    recipe = small("dagan")
    method = Dagan(recipe)
    method.critic, method.generator = Slope(), Dark(recipe.generator)  # type: ignore[assignment]
    # All images are 0.25 everywhere: 32 of score; what is drawn has -64.
    episode = Episode(torch.full((3, 2, 1, 32, 32), 0.25), torch.zeros(3, dtype=torch.int64))
    step = Step(torch.Generator().manual_seed(0), 0, recipe.source)

    critic = method.critic_losses(episode, step)
    generator = method.generator_losses(episode, step)

    assert critic["wgan"].item() == pytest.approx(-64 - 32)
    assert critic["penalty"].item() == pytest.approx(10 * (4 - 1) ** 2)
    assert generator["generator"].item() == pytest.approx(64)


def test_channels_are_left_out_in_training_alone():
    torch.manual_seed(0)
    net = DaganGenerator(small("dagan").generator, 0.5)
    maps, z = net.encode(torch.rand(64, 1, 32, 32)), torch.randn(64, 10)

    *dropped, last = net.decoder_maps(maps, z)

    for block in dropped:  # of a whole channel nothing is left, or all of it twice as strong
        assert (block == 0).all((2, 3)).float().mean().item() == pytest.approx(0.5, abs=0.1)
    assert not (last == 0).all((2, 3)).any()
    net.eval()
    assert torch.equal(net(torch.ones(2, 1, 32, 32), z[:2]), net(torch.ones(2, 1, 32, 32), z[:2]))


def test_both_images_of_half_of_the_pairs_are_turned_alike():
    one = torch.arange(16.0).view(1, 4, 4)
    images = torch.stack([one, one + 100]).expand(400, 2, 1, 4, 4)

    found = turned_pairs(images, torch.Generator().manual_seed(0))

    assert torch.equal(found[:, 1], found[:, 0] + 100)
    counts = [sum(torch.equal(x, one.rot90(k, (1, 2))) for x in found[:, 0]) for k in range(4)]
    assert sum(counts) == 400
    # A half and a quarter of the other half stay; the other three turns have an eighth each.
    assert counts == pytest.approx([250, 50, 50, 50], abs=25)
