"""F2GAN: attention, distances and mode seeking by hand."""

from __future__ import annotations

import pytest
import torch

from l2laug.methods.f2gan import F2gan, Filling, SpectralConv, weighted_distance
from l2laug.methods.learning.episodes import Episode
from l2laug.methods.learning.method import Losses, Step, hinge, mode_seeking
from tests.methods.recipes import small


def losses(ratio: str = "paper") -> Losses:
    torch.manual_seed(0)
    recipe = small("f2gan", own={"mode_seeking_ratio": ratio, "mode_seeking_weight": 1.0})
    method = F2gan(recipe, 4)
    episode = Episode(torch.rand(4, 3, 1, 32, 32), torch.arange(4))
    return method.generator_losses(
        episode, Step(torch.Generator().manual_seed(0), 0, recipe.source)
    )


def test_hinge_counts_what_is_within_the_margin():
    # Real scores 2 and .5: 0 and .5. Fake scores -2 and .5: 0 and 1.5.
    found = hinge(torch.tensor([2.0, 0.5]), torch.tensor([-2.0, 0.5]))
    assert found.item() == pytest.approx(0.25 + 0.75)


def test_mode_seeking_is_the_latents_distance_over_that_of_what_is_drawn():
    found = mode_seeking(torch.tensor([1.0, 1.0]), torch.tensor([2.0, 0.5]), 0.0)
    assert found.item() == pytest.approx((0.5 + 2.0) / 2)
    # Drawing more variously lowers it; the released code's inverse would rise.
    assert mode_seeking(torch.ones(1), torch.ones(1) * 3) < mode_seeking(
        torch.ones(1), torch.ones(1)
    )


def test_the_released_code_has_the_inverse():
    paper, released = (losses(ratio)["mode_seeking"].item() for ratio in ("paper", "released"))
    # Means of quotients and of their inverses: at least 1 when multiplied.
    assert paper != released
    assert paper * released >= 1


def test_an_image_is_near_those_that_weigh_much():
    images = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1, 1).expand(1, 2, 1, 4, 4)
    drawn = torch.full((1, 1, 4, 4), 0.25)
    # .9 times a distance of .25 and .1 times one of .75
    found = weighted_distance(drawn, images, torch.tensor([[0.9, 0.1]]))
    assert found.item() == pytest.approx(0.9 * 0.25 + 0.1 * 0.75)


@torch.no_grad()
def test_attention_starts_as_nothing_and_averages_where_all_positions_are_alike():
    filling = Filling(6, 8).eval()
    x, skip = torch.randn(2, 6, 4, 4), torch.randn(2, 8, 1, 1).expand(2, 8, 4, 4)
    assert torch.equal(filling(x, skip), torch.zeros(2, 8, 4, 4))

    filling.gamma.fill_(2.0)
    # The same key everywhere: every position gets the mean of equal values, twice.
    assert torch.allclose(filling(x, skip), 2 * filling.value(skip), atol=1e-5)


@torch.no_grad()
def test_weights_are_divided_by_their_largest_singular_value():
    torch.manual_seed(0)
    conv = SpectralConv(3, 3)
    conv.weight.copy_(torch.diag(torch.tensor([4.0, 2.0, 1.0]))[:, :, None, None])
    conv.bias.zero_()
    x = torch.tensor([1.0, 1.0, 1.0]).view(1, 3, 1, 1)
    for _ in range(30):
        conv.train()(x)
    assert conv.eval()(x).flatten().tolist() == pytest.approx([1.0, 0.5, 0.25], abs=1e-4)
    conv.left *= 0.3  # as an average of directions may be
    assert conv(x).flatten().tolist() == pytest.approx([1.0, 0.5, 0.25], abs=1e-4)


def test_every_term_is_there():
    assert set(losses()) == {
        "generator",
        "class",
        "reconstruction",
        "features",
        "regression",
        "mode_seeking",
    }


def test_the_weights_that_are_read_off_are_weights():
    method = F2gan(small("f2gan"), 4)
    found = method.read_weights(torch.randn(5, 3, 16), torch.randn(5, 16))
    assert found.shape == (5, 3)
    assert found.sum(1).tolist() == pytest.approx([1.0] * 5)
