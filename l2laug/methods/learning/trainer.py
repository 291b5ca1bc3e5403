"""The training of a method on source classes, one step at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from l2laug.config.recipe import AdversarialOptions
from l2laug.methods.learning.episodes import EpisodeSampler
from l2laug.methods.learning.method import Losses, MetaMethod, Method, Step
from l2laug.nn.methods.drawer import Drawing
from l2laug.runtime.processes import Processes
from l2laug.runtime.session import Session
from l2laug.training.steps.adversarial import AdversarialTrainer


class MethodTrainer(AdversarialTrainer[Drawing, nn.Module, EpisodeSampler]):
    """Trains a method's generator and critic against each other, on episodes.

    Args:
        method: networks and losses.
        options: rates, batch and steps.
        session: device, precision, and the seed of all that the method draws at random.
        processes: those that train the same networks.
    """

    def __init__(
        self,
        method: Method,
        options: AdversarialOptions,
        session: Session,
        processes: Processes | None = None,
    ) -> None:
        self.method = method
        super().__init__(
            method.generator,
            method.critic,
            options,
            session,
            beside=[method.helpers],
            processes=processes,
        )

    def step(self, source: EpisodeSampler) -> dict[str, Tensor]:
        self.set_rate()
        self.nets.train()
        torch.manual_seed(self.seed + self.done)  # of dropout: a resumed training takes the same
        found: dict[str, Tensor] = {}
        for _ in range(self.options.critic_steps):
            episode = source.draw(self.options.batch)
            with self.engine.autocast():
                losses = self.method.critic_losses(episode, self._now())
            self.update_critic(total(losses))
            found |= {f"critic_{name}": value.detach() for name, value in losses.items()}
        self.critic.requires_grad_(False)
        episode = source.draw(self.options.batch)
        with self.engine.autocast():
            losses = self.method.generator_losses(episode, self._now())
        self.update_generator(total(losses))
        self.critic.requires_grad_(True)
        self.end_step()
        return found | {name: value.detach() for name, value in losses.items()}

    def _now(self) -> Step:
        return Step(self.latents, self.done, self.options)


class MetaTrainer(MethodTrainer):
    """Trains weights from which a class is learned in a few steps, one class a step."""

    method: MetaMethod

    def step(self, episodes: EpisodeSampler) -> dict[str, Tensor]:
        """Take both networks one step along the gradients that a class tells."""
        self.set_rate()
        self.nets.train()
        losses = self.method.meta_step(episodes.draw(1), self._now())
        for optimiser, net in ((self.g_optimiser, self.nets), (self.d_optimiser, self.critic)):
            self.share_gradients(net)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.end_step()
        return losses


def total(losses: Losses) -> Tensor:
    """The sum of all terms."""
    terms = list(losses.values())
    return sum(terms[1:], terms[0].float())
