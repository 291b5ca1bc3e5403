"""DeltaGAN: deltas and losses by hand."""

from __future__ import annotations

import pytest
import torch

from l2laug.methods.deltagan import DeltaGan
from l2laug.methods.learning.episodes import Episode
from l2laug.methods.learning.method import Step
from l2laug.nn.methods.drawer import uniform
from tests.methods.recipes import small


def method() -> DeltaGan:
    torch.manual_seed(0)
    return DeltaGan(small("deltagan"), 4)


def test_normal_latents_become_uniform_ones():
    # The normal distribution's quartiles.
    found = uniform(torch.tensor([-0.67449, 0.0, 0.67449, 9.0]))
    assert found.tolist() == pytest.approx([0.25, 0.5, 0.75, 1.0], abs=1e-5)


@torch.no_grad()
def test_the_delta_is_that_of_a_difference():
    net = method().generator
    a, b = torch.randn(2, 3, 8, 2, 2)
    assert torch.equal(net.real_delta(a, b), net.read(b - a))
    # The same image twice has one delta, whichever image it is.
    assert torch.equal(net.real_delta(a, a), net.real_delta(b, b))


@torch.no_grad()
def test_the_latent_and_the_image_decide_what_is_drawn():
    net = method().generator
    net.train()(torch.rand(8, 1, 32, 32), torch.randn(8, 10))
    x, z = torch.rand(2, 1, 32, 32), torch.randn(2, 10)
    net.eval()
    assert torch.equal(net(x, z), net(x, z))
    assert not torch.allclose(net(x, z), net(x, z.flip(0)))
    assert not torch.allclose(net(x, z), net(x.flip(0), z))


def test_the_reconstruction_is_ten_times_the_mean_difference_from_the_second_image(
    monkeypatch: pytest.MonkeyPatch,
):
    gan = method()
    second = torch.rand(4, 1, 32, 32)
    # Both drawn images are black; what the real delta leads to is .2 off.
    black = torch.full((8, 1, 32, 32), -1.0)
    monkeypatch.setattr(gan.generator, "changed", lambda *_: torch.cat([black, second + 0.2]))
    images = torch.stack([torch.rand(4, 1, 32, 32), second], 1)

    losses = gan.generator_losses(
        Episode(images, torch.arange(4)),
        Step(torch.Generator().manual_seed(0), 0, small("deltagan").source),
    )

    assert losses["reconstruction"].item() == pytest.approx(10 * 0.2, abs=1e-4)
    # Two draws that are equal: the latents' distance over almost nothing, times 1/100.
    assert losses["mode_seeking"].item() > 100
    assert set(losses) == {
        "generator",
        "class",
        "match",
        "reconstruction",
        "features",
        "mode_seeking",
    }


def test_the_matching_head_sees_the_delta_and_both_images():
    critic = method().critic
    f, g, delta = torch.randn(4, 16), torch.randn(4, 16), torch.randn(4, 8, 2, 2)
    score = critic.matches(f, delta, g)
    assert score.shape == (4,)
    for other in (
        critic.matches(g, delta, g),
        critic.matches(f, delta * 2, g),
        critic.matches(f, delta, f),
    ):
        assert not torch.allclose(score, other)
