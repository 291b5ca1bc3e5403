"""Losses: one small function for each term of L_G and L_D, and for those of registration."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def critic_loss(real: Tensor, fake: Tensor, kind: str) -> Tensor:
    """L_D from critic scores ``(N,)``: ``"hinge"`` or ``"wgan"`` (the paper's baseline)."""
    if kind == "wgan":
        return fake.mean() - real.mean()
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def generator_loss(fake: Tensor) -> Tensor:
    """L_G for both kinds: raise the critic's score of what was generated, ``(N,)``."""
    return -fake.mean()


def zero_centred_penalty(
    critic: nn.Module, given: Tensor, real: Tensor, *known: Tensor | None
) -> Tensor:
    """R1: half the mean squared gradient of the score at real pairs (Mescheder et al. 2018).

    ``known`` is what else the critic is told of the pairs.
    """
    given, real = given.detach().requires_grad_(), real.detach().requires_grad_()
    gradients = torch.autograd.grad(
        critic(given, real, *known).sum(),
        [given, real],
        create_graph=True,
        materialize_grads=True,  # the critic of phi(z) does not look at ``given``
    )
    return 0.5 * torch.stack([g.square().flatten(1).sum(1).mean() for g in gradients]).sum()


def unit_slope_penalty(
    critic: nn.Module,
    given: Tensor,
    real: Tensor,
    fake: Tensor,
    random: torch.Generator,
    *known: Tensor | None,
) -> Tensor:
    """WGAN-GP: squared distance of the gradient's norm from 1 between real and fake pairs.

    ``known`` is what else the critic is told of the pairs.
    """
    mix = torch.rand(len(real), 1, 1, 1, generator=random, device=real.device)
    between = (mix * real + (1 - mix) * fake).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(
        critic(given, between, *known).sum(), [between], create_graph=True
    )
    slopes: Tensor = gradient.flatten(1).norm(dim=1)
    return (slopes - 1).square().mean()


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(q(z | x, y) || N(0, 1)) in nats, averaged over the batch of ``(N, L)``."""
    terms = mean.square() + log_variance.exp() - 1 - log_variance
    return 0.5 * terms.sum(1).mean()


def pyramid_distance(ours: Tensor, theirs: Tensor) -> Tensor:
    """Mean absolute difference of images ``(N, C, S, S)`` at full, half, quarter and eighth size.

    The coarse ones tell where strokes have to go that do not overlap yet.
    """
    total = F.l1_loss(ours, theirs)
    for _ in range(3):
        ours, theirs = F.avg_pool2d(ours, 2), F.avg_pool2d(theirs, 2)
        total = total + F.l1_loss(ours, theirs)
    return total / 4
