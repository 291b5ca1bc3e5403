"""Train a change generator on pairs of neighbours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn

from l2laug.artifacts.names import METRICS
from l2laug.artifacts.training_log import TrainingLog
from l2laug.config.change import ChangeTrainingOptions
from l2laug.features.general import MAP_WIDTHS, GeneralNet
from l2laug.nn.changes.encoder import ChangeEncoder
from l2laug.nn.changes.generator import ChangeGenerator
from l2laug.nn.changes.projected_critic import ProjectedCritic
from l2laug.runtime.session import Session
from l2laug.training.changes.loss import change_loss
from l2laug.training.changes.neighbours import NeighbourPairs
from l2laug.training.checkpoints import load_checkpoint, save_checkpoint
from l2laug.training.loop import Every, Phase, check_finite, run_training

CHECKPOINT_EVERY = 100  # steps, each of them slow: all look through a pretrained net
LOOK_EVERY = 2  # steps between looks at features, which cost more than all else
WARM_UP = 100  # steps to the full learning rate
CONSTANT = 0.5  # share of the steps before the learning rate falls
CLIP = 5.0  # of the gradients' norm
BETAS, CRITIC_BETAS = (0.9, 0.99), (0.0, 0.99)


class ChangeTrainer:
    """The state of one training: generator, encoder, optimiser and the averaged generator.

    Args:
        generator: trained in place.
        encoder: trained in place.
        general: images to features, frozen: the general net.
        options: weights, rates and batch.
        session: where to compute, and the seed of the latents.
        steps: to take in all.
        rate: largest learning rate.
        train_norm: whether batch norm learns from these batches or keeps its statistics.
    """

    def __init__(
        self,
        generator: ChangeGenerator,
        encoder: ChangeEncoder,
        general: GeneralNet,
        options: ChangeTrainingOptions,
        session: Session,
        *,
        steps: int,
        rate: float,
        train_norm: bool = True,
    ) -> None:
        self.options, self.session, self.train_norm = options, session, train_norm
        self.engine = engine = session.engine
        self.steps, self.rate, self.done = steps, rate, 0
        self.generator, self.encoder = engine.place(generator), engine.place(encoder)
        self.general = engine.place(general)
        # Its decay warms up as n / (9 + n), so that the first weights do not linger.
        self.ema = ModelEmaV3(
            self.generator,
            decay=options.average,
            use_warmup=True,
            warmup_gamma=9.0,
            warmup_power=1.0,
        )
        self.average: ChangeGenerator = self.ema.module.eval().requires_grad_(False)
        self.learning = nn.ModuleList([self.generator, self.encoder])
        self.optimiser = torch.optim.Adam(self.learning.parameters(), betas=BETAS)
        self.critic = engine.place(ProjectedCritic(MAP_WIDTHS)) if options.critic else None
        self.critic_optimiser = (
            None
            if self.critic is None
            else torch.optim.Adam(
                self.critic.parameters(), options.critic_learning_rate, CRITIC_BETAS
            )
        )

    def step(self, pairs: NeighbourPairs) -> dict[str, Tensor]:
        """Take one step; returns the terms of the loss."""
        device, look = self.engine.device, self.done % LOOK_EVERY == 0
        self.optimiser.param_groups[0]["lr"] = self.rate * self._share_of_rate()
        noise = torch.randn(
            2,
            self.options.batch,
            self.generator.options.latent,
            generator=torch.Generator().manual_seed(self.session.seed * 1_000_003 + self.done),
        )
        self.generator.train(self.train_norm)
        self.encoder.train(self.train_norm)
        with self.engine.autocast():
            loss, terms = change_loss(
                (self.generator, self.encoder),
                self.general,
                pairs.draw(self.options.batch, device),
                noise.to(device),
                self.options,
                look=look,
                critic=self.critic,
            )
        self.optimiser.zero_grad(set_to_none=True)
        if self.critic_optimiser is not None:
            self.critic_optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if look and self.critic_optimiser is not None:
            self.critic_optimiser.step()
        nn.utils.clip_grad_norm_(self.learning.parameters(), CLIP)
        self.optimiser.step()
        self.done += 1
        self.ema.update(self.generator, self.done + 2)  # of which it takes one off: n is done + 1
        return terms

    def _share_of_rate(self) -> float:
        falling = max(0.0, self.done / self.steps - CONSTANT) / (1 - CONSTANT)
        return min(1.0, (self.done + 1) / WARM_UP) * (1 + math.cos(math.pi * falling)) / 2

    def check_finite(self) -> None:
        """Make sure that all weights are numbers.

        Raises:
            RecipeError: some are not.
        """
        weights = [*self.average.state_dict().values(), *self.encoder.parameters()]
        check_finite(weights, self.done)

    def state_dict(self) -> dict[str, Any]:
        """All that going on needs."""
        return {name: getattr(self, name).state_dict() for name in self._parts()} | {
            "done": self.done
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` told."""
        for name in self._parts():
            getattr(self, name).load_state_dict(state[name])
        self.done = state["done"]

    def _parts(self) -> list[str]:
        critics = [] if self.critic is None else ["critic", "critic_optimiser"]
        return ["generator", "encoder", "average", "optimiser", *critics]


def train_change(
    trainer: ChangeTrainer,
    pairs: NeighbourPairs,
    folder: Path | None = None,
    seconds: float | None = None,
) -> ChangeGenerator:
    """Take the steps that are left, or those there is time for; returns the averaged generator.

    Args:
        trainer: says how many steps.
        pairs: what to learn from.
        folder: where to keep ``change.pt``, gone on from if it is there, and ``metrics.jsonl``.
        seconds: the longest it may take, if that is limited.

    Raises:
        BundleError: the checkpoint there is of other networks.
        RecipeError: the training diverged.
        OutputError: ``folder`` can't be written.
    """
    every = []
    if folder is not None:
        checkpoint = folder / "change.pt"
        load_checkpoint(checkpoint, trainer, pairs)
        every = [Every(CHECKPOINT_EVERY, lambda _: save_checkpoint(checkpoint, trainer, pairs))]
    phase = Phase("changes", "changes", trainer.steps, trainer.done, seconds)
    log = TrainingLog(None if folder is None else folder / METRICS)
    run_training(lambda: trainer.step(pairs), phase, trainer.session.progress, log, every)
    trainer.check_finite()
    return trainer.average
