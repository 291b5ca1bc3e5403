"""FIGR: weights that learn a class in a few steps (Clouatre and Demers 2019, arXiv 1901.02199).

Reptile (Nichol et al. 2018) on a GAN: of copies that took some steps on one class the weights to
start from learn where classes lie.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Self

import torch
from torch import Tensor, nn

from l2laug.config.recipe import AdversarialOptions, CriticOptions, GeneratorOptions, Recipe
from l2laug.methods.learning.episodes import Episode
from l2laug.methods.learning.method import Losses, MetaMethod, Step
from l2laug.nn.generator import clipped
from l2laug.nn.losses import critic_loss, generator_loss
from l2laug.nn.methods.drawer import Drawer


class PlainGenerator(Drawer):
    """A latent alone to an image: a dense layer, then four times 5x5 convolution at twice the side.

    Layer norm, PReLU; no batch norm, whose statistics four images tell badly.
    """

    def __init__(self, options: GeneratorOptions) -> None:
        super().__init__(options)
        d, self.side = options.decoder, options.size // 16
        self.dense = nn.Linear(options.latent, d[0] * self.side**2)
        layers: list[nn.Module] = []
        for i in range(4):
            layers += [nn.GroupNorm(1, d[i]), nn.PReLU(), nn.Upsample(scale_factor=2.0)]
            layers.append(nn.Conv2d(d[i], d[i + 1], 5, 1, 2))
        layers += [nn.GroupNorm(1, d[4]), nn.PReLU(), nn.Conv2d(d[4], options.channels, 5, 1, 2)]
        self.body = nn.Sequential(*layers)

    def encode(self, x: Tensor) -> list[Tensor]:
        """Nothing: the class is in the weights."""
        del x
        return []

    def decode(
        self, maps: list[Tensor], z: Tensor, gems: Mapping[str, nn.Module] | None = None
    ) -> Tensor:
        del maps, gems
        x = self.body(self.dense(z).unflatten(1, (-1, self.side, self.side)))
        return clipped(torch.tanh(x.float()), -1.0, self.options.clip_margin)


class PlainCritic(nn.Module):
    """The generator mirrored: four 5x5 convolutions of stride 2, layer norm, PReLU, dense."""

    def __init__(self, options: CriticOptions, image: GeneratorOptions) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, width = int(image.channels), int(options.width)
        for _ in range(4):
            layers += [nn.Conv2d(before, width, 5, 2, 2), nn.GroupNorm(1, width), nn.PReLU()]
            before, width = width, min(width * 2, options.max_width)
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.score = nn.Linear(before * (image.size // 16) ** 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Score images ``(N, C, S, S)`` in [-1, 1]; returns ``(N,)``, higher for real."""
        score: Tensor = self.score(self.body(x)).squeeze(1)
        return score


class Figr(MetaMethod):
    """Inner steps on one class by WGAN-GP and SGD; the outer gradient is outer minus inner weights.

    ``recipe.source.batch`` is how many images of the class a step has, one class a training step. A
    rare class is learned by the same inner steps from the outer weights.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(
            PlainGenerator(recipe.generator), PlainCritic(recipe.critic, recipe.generator)
        )
        self.batch, self.shots = recipe.source.batch, recipe.source.batch
        self.rounds = recipe.method_training.inner_steps
        self.inner_rate = recipe.method_training.inner_learning_rate
        self.critic_steps = recipe.source.critic_steps

    def images_a_step(self, options: AdversarialOptions) -> int:
        """Those that critics see, the same ones in every round."""
        return options.batch * self.rounds * options.critic_steps

    def copied(self) -> Self:
        """The same method on copies of the networks."""
        found = copy.copy(self)
        found.generator = copy.deepcopy(self.generator).requires_grad_(True)
        found.critic = copy.deepcopy(self.critic).requires_grad_(True)
        return found

    def critic_losses(self, episode: Episode, step: Step) -> Losses:
        """``E D(fake) - E D(real)``, and ten times the squared distance of slopes from 1."""
        real = episode.images.flatten(0, 1)
        with torch.no_grad():
            _, fake = self.draw(real, step)
        score = critic_loss(self.critic(real).float(), self.critic(fake).float(), "wgan")
        slope = unit_slope(self.critic, real, fake, step.random)
        return {"wgan": score, "penalty": step.options.penalty * slope}

    def generator_losses(self, episode: Episode, step: Step) -> Losses:
        _, fake = self.draw(episode.images.flatten(0, 1), step)
        return {"generator": generator_loss(self.critic(fake).float())}

    def critic_step(self, episode: Episode, step: Step) -> Losses:
        """One step of SGD of the critic; the losses."""
        return self._descend(self.critic, self.critic_losses(episode, step))

    def generator_step(self, episode: Episode, step: Step) -> Losses:
        """One step of SGD of the generator; the losses."""
        return self._descend(self.generator, self.generator_losses(episode, step))

    def meta_step(self, episode: Episode, step: Step) -> Losses:
        """Set the outer gradients of both networks from one class; the losses of the last round."""
        inner, losses = self.copied(), dict[str, Tensor]()
        for _ in range(self.rounds):
            for _ in range(self.critic_steps):
                losses = inner.critic_step(episode, step)
            losses = losses | inner.generator_step(episode, step)
        for outer, moved in ((self.generator, inner.generator), (self.critic, inner.critic)):
            for p, q in zip(outer.parameters(), moved.parameters(), strict=True):
                p.grad = p.detach() - q.detach()
        return losses

    def learn_rare(self, images: Tensor, step: Step) -> int:
        self.generator.requires_grad_(True).train()
        for _ in range(self.rounds):
            for _ in range(self.critic_steps):
                self.critic_step(self._some(images, step), step)
            self.generator_step(self._some(images, step), step)
        return self.rounds

    def _some(self, images: Tensor, step: Step) -> Episode:
        """As many of the images as a step has."""
        order = torch.randperm(len(images), generator=step.random, device=images.device)
        return Episode(images[order[: self.batch]][None], order[:1])

    def _descend(self, net: nn.Module, losses: Losses) -> Losses:
        parameters = list(net.parameters())
        total = torch.stack([value.float() for value in losses.values()]).sum()
        gradients = torch.autograd.grad(total, parameters)
        with torch.no_grad():
            for p, gradient in zip(parameters, gradients, strict=True):
                p.sub_(gradient, alpha=self.inner_rate)
        return {name: value.detach() for name, value in losses.items()}


def unit_slope(critic: nn.Module, real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
    """WGAN-GP's penalty of a critic of single images."""
    mix = torch.rand(len(real), 1, 1, 1, generator=random, device=real.device)
    between = (mix * real + (1 - mix) * fake).detach().requires_grad_()
    with torch.autocast(real.device.type, enabled=False):
        (gradient,) = torch.autograd.grad(critic(between).sum(), [between], create_graph=True)
    slopes: Tensor = gradient.flatten(1).norm(dim=1)
    return (slopes - 1).square().mean()
