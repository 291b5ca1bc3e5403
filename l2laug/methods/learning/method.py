"""What a file of a method holds: networks, losses on an episode, how a rare class is learned."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.config.recipe import AdversarialOptions
from l2laug.methods.learning.episodes import Episode
from l2laug.nn.methods.drawer import Drawing

Losses = dict[str, Tensor]  # by name, each as it weighs in their sum


class Step(NamedTuple):
    """What the losses of a step may depend on beside the episode.

    Attributes:
        random: of all that is drawn at random.
        done: generator steps before this one.
        options: of the training.
    """

    random: torch.Generator
    done: int
    options: AdversarialOptions

    def normal(self, count: int, size: int) -> Tensor:
        """Latents ``(count, size)``, standard normal."""
        return torch.randn(count, size, generator=self.random, device=self.random.device)


class Method(ABC):
    """One method of few-shot generation.

    Attributes:
        generator: is kept, and draws.
        critic: learns against it.
        helpers: learn along with the generator and are not kept.
        shots: images of a class in an episode.
    """

    shots: int

    def __init__(self, generator: Drawing, critic: nn.Module) -> None:
        self.generator, self.critic = generator, critic
        self.helpers = nn.ModuleDict()

    def images_a_step(self, options: AdversarialOptions) -> int:
        """Real images that a training step sees."""
        return options.batch * self.shots * (options.critic_steps + 1)

    @abstractmethod
    def critic_losses(self, episode: Episode, step: Step) -> Losses:
        """The terms of L_D."""

    @abstractmethod
    def generator_losses(self, episode: Episode, step: Step) -> Losses:
        """The terms of L_G; the critic's weights are fixed."""

    def draw(self, images: Tensor, step: Step) -> tuple[Tensor, Tensor]:
        """Draw from images ``(N, ...)`` as the generator takes them; the latents, and what came."""
        z = step.normal(len(images), self.generator.options.latent)
        drawn: Tensor = self.generator(images, z)
        return z, drawn.float()

    def learn_rare(self, images: Tensor, step: Step) -> int:
        """Learn the images ``(P, C, S, S)`` of one rare class; the steps taken.

        Most methods learn nothing here: they draw from whatever images they are given.
        """
        del images, step
        return 0


class MetaMethod(Method):
    """A method that learns where to start from, so that a class is learned in a few steps."""

    @abstractmethod
    def meta_step(self, episode: Episode, step: Step) -> Losses:
        """Set the gradients of both networks from one class; losses, without a gradient."""


def hinge(real: Tensor, fake: Tensor) -> Tensor:
    """L_D of scores: ``E max(0, 1 - real) + E max(0, 1 + fake)``."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def mode_seeking(apart: Tensor, drawn_apart: Tensor, eps: float = 1e-5) -> Tensor:
    """How far two latents are apart over how far what is drawn from them is, to be lowered.

    The inverse of what Mao et al. (2019) raise.

    Args:
        apart: ``(N,)`` distances of latents, or of weights.
        drawn_apart: ``(N,)`` distances of what is drawn.
        eps: keeps the quotient finite.
    """
    return (apart / (drawn_apart + eps)).mean()
