"""DAWSON: learn a class so that other images of it count (Liang et al. 2020, arXiv 2001.00576).

As FIGR with another meta rule; networks and loss are the same here, so that the two differ in that
alone.
"""

from __future__ import annotations

import torch

from l2laug.config.recipe import AdversarialOptions, Recipe
from l2laug.methods.figr import Figr
from l2laug.methods.learning.episodes import Episode
from l2laug.methods.learning.method import Losses, Step


class Dawson(Figr):
    """Support A and query B of a class, disjoint as far as it has enough images.

    Critics take ``critic_steps`` steps on A, to D_A, and on B, to D_B; the generator takes one
    against D_A, to G'. The meta losses are L_D of B by D_A, and L_G of G' by D_B; their gradients
    there are those of the outer weights (first order).
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.shots = 2 * self.batch

    def images_a_step(self, options: AdversarialOptions) -> int:
        return options.batch * (2 * options.critic_steps + 1)

    def meta_step(self, episode: Episode, step: Step) -> Losses:
        support, query = (Episode(x, episode.labels) for x in episode.images.chunk(2, 1))
        on_support, on_query = self.copied(), self.copied()
        for _ in range(self.critic_steps):
            on_support.critic_step(support, step)
            on_query.critic_step(query, step)
        on_support.generator_step(support, step)
        on_query.generator = on_support.generator
        critic = on_support.critic_losses(query, step)
        generator = on_query.generator_losses(query, step)
        for outer, moved, losses in (
            (self.critic, on_support.critic, critic),
            (self.generator, on_query.generator, generator),
        ):
            total = torch.stack([value.float() for value in losses.values()]).sum()
            found = torch.autograd.grad(total, list(moved.parameters()))
            for p, gradient in zip(outer.parameters(), found, strict=True):
                p.grad = gradient
        return {name: value.detach() for name, value in (critic | generator).items()}
