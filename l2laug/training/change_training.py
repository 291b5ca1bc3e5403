"""Train a change generator on pairs of neighbours: resumable, with a line of terms now and then."""

from __future__ import annotations

import copy
import io
import json
import math
import pickle
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from l2laug.config.change import ChangeTrainingOptions
from l2laug.core.errors import BundleError, RecipeError
from l2laug.core.files import whole_file
from l2laug.nn.change_encoder import ChangeEncoder
from l2laug.nn.change_generator import ChangeGenerator
from l2laug.runtime.session import Session
from l2laug.training.change_loss import change_loss
from l2laug.training.neighbours import NeighbourPairs

SAVE_EVERY = 180.0  # seconds
TELL_EVERY = 50  # steps
LOOK_EVERY = 2  # steps between looks at features, which cost more than all else
WARM_UP = 100  # steps to the full learning rate
CONSTANT = 0.5  # share of the steps before the learning rate falls
CLIP = 5.0  # of the gradients' norm
SMOOTHING = 0.95  # of the terms that are told
BETAS = (0.9, 0.99)


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
        general: nn.Module,
        options: ChangeTrainingOptions,
        session: Session,
        *,
        steps: int,
        rate: float,
        train_norm: bool = True,
    ) -> None:
        engine = session.engine
        self.options, self.session, self.train_norm = options, session, train_norm
        self.steps, self.rate, self.done = steps, rate, 0
        self.generator, self.encoder = engine.place(generator), engine.place(encoder)
        self.general = engine.place(general)
        self.average = copy.deepcopy(self.generator).eval().requires_grad_(False)
        self.learning = nn.ModuleList([self.generator, self.encoder])
        self.optimiser = torch.optim.Adam(self.learning.parameters(), betas=BETAS)
        self.terms: dict[str, float] = {}

    def step(self, pairs: NeighbourPairs) -> dict[str, float]:
        """One step; returns the smoothed terms of the loss.

        Raises:
            RecipeError: the loss is no number any more.
        """
        device = self.session.engine.device
        self.optimiser.param_groups[0]["lr"] = self.rate * self._share_of_rate()
        noise = torch.randn(
            2,
            self.options.batch,
            self.generator.options.latent,
            generator=torch.Generator().manual_seed(self.session.seed * 1_000_003 + self.done),
        )
        self.generator.train(self.train_norm)
        self.encoder.train(self.train_norm)
        with self.session.engine.autocast():
            loss, terms = change_loss(
                (self.generator, self.encoder),
                self.general,
                pairs.draw(self.options.batch, device),
                noise.to(device),
                self.options,
                look=self.done % LOOK_EVERY == 0,
            )
        if not math.isfinite(loss.item()):
            raise RecipeError(
                f"Training of changes diverged at step {self.done}.",
                "Use a lower change_training.learning_rate.",
            )
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.learning.parameters(), CLIP)
        self.optimiser.step()
        self.done += 1
        self._update_average()
        for name, value in terms.items():
            before = self.terms.get(name, value)
            self.terms[name] = SMOOTHING * before + (1 - SMOOTHING) * value
        return self.terms

    def _share_of_rate(self) -> float:
        falling = max(0.0, self.done / self.steps - CONSTANT) / (1 - CONSTANT)
        return min(1.0, (self.done + 1) / WARM_UP) * (1 + math.cos(math.pi * falling)) / 2

    @torch.no_grad()
    def _update_average(self) -> None:
        """Move the averaged weights towards those trained; the first steps count little."""
        keep = min(self.options.average, self.done / (10 + self.done))
        trained = self.generator.state_dict()
        for name, value in self.average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(trained[name], 1 - keep)
            else:
                value.copy_(trained[name])

    def state_dict(self) -> dict[str, Any]:
        """All that going on needs."""
        nets = ("generator", "encoder", "average", "optimiser")
        return {name: getattr(self, name).state_dict() for name in nets} | {
            "done": self.done,
            "terms": self.terms,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`state_dict` told."""
        for name in ("generator", "encoder", "average", "optimiser"):
            getattr(self, name).load_state_dict(state[name])
        self.done, self.terms = state["done"], state["terms"]


def train_change(
    trainer: ChangeTrainer, pairs: NeighbourPairs, folder: Path | None = None
) -> ChangeGenerator:
    """Take the steps that are left; returns the averaged generator.

    Args:
        trainer: says how many steps.
        pairs: what to learn from.
        folder: where to keep ``change.pt``, gone on from if it is there, and ``terms.jsonl``, a
            line of terms every :data:`TELL_EVERY` steps.

    Raises:
        BundleError: the checkpoint there is of other networks.
        RecipeError: the training diverged.
    """
    checkpoint = None if folder is None else folder / "change.pt"
    if checkpoint is not None and checkpoint.exists():
        load_trainer(checkpoint, trainer)
    pairs.drawn = trainer.done
    began = saved = time.monotonic()
    with trainer.session.progress.task("changes", trainer.steps, trainer.done) as advance:
        while trainer.done < trainer.steps:
            terms = trainer.step(pairs)
            advance(note=" ".join(f"{name} {value:.3f}" for name, value in terms.items()))
            now, last = time.monotonic(), trainer.done == trainer.steps
            if folder is not None and (last or trainer.done % TELL_EVERY == 0):
                _tell(folder / "terms.jsonl", trainer, now - began)
            if checkpoint is not None and (last or now - saved > SAVE_EVERY):
                saved = now
                save_trainer(checkpoint, trainer)
    return trainer.average


def save_trainer(path: Path, trainer: ChangeTrainer) -> None:
    """Save a training's state, whole or not at all."""
    content = io.BytesIO()  # torch hides why a file can't be written
    torch.save(trainer.state_dict(), content)
    with whole_file(path) as part:
        part.write_bytes(content.getbuffer())


def load_trainer(path: Path, trainer: ChangeTrainer) -> None:
    """Go on from a saved state.

    Raises:
        BundleError: it is of other networks, or damaged.
    """
    try:
        device = trainer.session.engine.device
        trainer.load_state_dict(torch.load(path, map_location=device, weights_only=True))
    except (RuntimeError, KeyError, ValueError, EOFError, pickle.UnpicklingError) as error:
        raise BundleError(
            f"Checkpoint {path} does not fit this recipe.",
            "Use the recipe it was made with, or start anew with --overwrite.",
        ) from error


def _tell(path: Path, trainer: ChangeTrainer, seconds: float) -> None:
    row = {name: round(value, 4) for name, value in trainer.terms.items()}
    line = json.dumps({"step": trainer.done, "seconds": round(seconds), **row})
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as log:
        log.write(line + "\n")
