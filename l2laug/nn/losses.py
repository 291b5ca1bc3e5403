"""Adversarial losses: one small function for each term of L_G and L_D."""

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


def zero_centred_penalty(critic: nn.Module, given: Tensor, real: Tensor) -> Tensor:
    """R1: half the mean squared gradient of the score at real pairs (Mescheder et al. 2018)."""
    given, real = given.detach().requires_grad_(), real.detach().requires_grad_()
    gradients = torch.autograd.grad(critic(given, real).sum(), [given, real], create_graph=True)
    return 0.5 * torch.stack([g.square().flatten(1).sum(1).mean() for g in gradients]).sum()


def unit_slope_penalty(
    critic: nn.Module, given: Tensor, real: Tensor, fake: Tensor, random: torch.Generator
) -> Tensor:
    """WGAN-GP: squared distance of the gradient's norm from 1 between real and fake pairs."""
    mix = torch.rand(len(real), 1, 1, 1, generator=random, device=real.device)
    between = (mix * real + (1 - mix) * fake).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(given, between).sum(), [between], create_graph=True)
    slopes: Tensor = gradient.flatten(1).norm(dim=1)
    return (slopes - 1).square().mean()
