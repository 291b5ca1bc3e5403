"""MatchingGAN: weights and losses by hand."""

from __future__ import annotations

import pytest
import torch

from l2laug.methods.learning.episodes import Episode
from l2laug.methods.learning.method import Step
from l2laug.methods.matchinggan import FusionGenerator, MatchingGan, weighted
from tests.methods.recipes import small


def generator(*, matching: bool) -> FusionGenerator:
    torch.manual_seed(0)
    return FusionGenerator(small("matchinggan").generator, 3, matching=matching).eval()


@torch.no_grad()
def test_uniform_weights_go_from_1_to_10_and_are_normalised():
    # The distribution function of the normal is 0, 1/2 and 1 there: raw weights 1, 5.5 and 10.
    z = torch.zeros(1, 10)
    z[0, :3] = torch.tensor([-9.0, 0.0, 9.0])

    alpha = generator(matching=False).weights([], z)

    assert alpha[0].tolist() == pytest.approx([1 / 16.5, 5.5 / 16.5, 10 / 16.5], abs=1e-6)


@torch.no_grad()
def test_matching_weights_are_the_softmax_of_cosines_to_what_the_latent_asks_for():
    net = generator(matching=True)
    assert net.embed is not None
    net.embed.weight.zero_()
    net.embed.bias.copy_(torch.eye(8)[0])  # asks for the first channel
    coarse = torch.zeros(1, 3, 8, 2, 2)
    coarse[0, 0, 0] = 5.0  # is that channel: cosine 1
    coarse[0, 1, 1] = 5.0  # another one: cosine 0
    coarse[0, 2, 0] = -5.0  # its opposite: cosine -1

    alpha = net.weights([coarse] * 4, torch.randn(1, 10))

    assert alpha[0].tolist() == pytest.approx([0.665241, 0.244728, 0.090031], abs=1e-5)


@torch.no_grad()
def test_one_image_thrice_is_fused_into_what_it_is_alone():
    for matching in (True, False):
        net = generator(matching=matching)
        image = torch.rand(2, 1, 1, 32, 32).expand(2, 3, 1, 32, 32)
        z = torch.randn(2, 10)
        alone = net.fuse([m[:, None] for m in net.encode(image[:, 0])], torch.ones(2, 1))
        assert torch.allclose(net(image, z), alone, atol=1e-5)


def test_values_are_weighted_over_images():
    values = torch.tensor([[[1.0, 2.0], [3.0, 4.0]]])
    found = weighted(values, torch.tensor([[0.25, 0.75]]))
    assert found.tolist() == [[2.5, 3.5]]


def test_the_feature_loss_is_the_mean_difference_from_the_weighted_features(
    monkeypatch: pytest.MonkeyPatch,
):
    method = MatchingGan(small("matchinggan"), 4)
    # Features are an image's mean and twice that.
    monkeypatch.setattr(
        method.critic, "features", lambda x: x.mean((1, 2, 3))[:, None] * torch.tensor([1.0, 2.0])
    )
    levels = torch.tensor([0.0, 0.4, 0.8]).view(1, 3, 1, 1, 1)
    images, alpha = levels.expand(1, 3, 1, 32, 32), torch.tensor([[0.5, 0.25, 0.25]])
    # Fused: .3 and .6; drawn: .5 and .5. The differences are .2 and .1.
    found = method.feature_loss(images, alpha, torch.tensor([[0.5, 0.5]]))
    assert found.item() == pytest.approx(0.15)


def test_every_term_is_there_and_the_critics_weights_are_not_touched():
    recipe = small("matchinggan")
    method = MatchingGan(recipe, 4)
    episode = Episode(torch.rand(4, 3, 1, 32, 32), torch.arange(4))
    step = Step(torch.Generator().manual_seed(0), 0, recipe.source)

    assert set(method.critic_losses(episode, step)) == {"hinge", "class", "penalty"}
    losses = method.generator_losses(episode, step)
    assert set(losses) == {"generator", "class", "match", "features"}
    # Weights by matching learn too.
    sum(losses.values()).backward()  # type: ignore[union-attr]
    assert method.generator.embed is not None
    assert method.generator.embed.weight.grad.abs().sum() > 0  # type: ignore[union-attr]
