"""Train classifiers: AdamW on a one-cycle schedule, and the feature net under affine changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.artifacts.training_log import TrainingLog
from l2laug.config.recipe import FeatureOptions
from l2laug.data.image_set import ImageSet
from l2laug.nn.augment import random_affine
from l2laug.nn.batches import to_batch, to_device
from l2laug.nn.feature_net import FeatureNet
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training.loop import Phase, run_training


@dataclass(frozen=True)
class Schedule:
    """How a classifier learns: AdamW whose rate goes up and down once (Smith and Topin 2018).

    Attributes:
        steps: in all; no more can be taken.
        learning_rate: at its highest.
        weight_decay: of AdamW.
        label_smoothing: of the cross-entropy.
        fused: whether AdamW updates all weights in one kernel; other last digits, fewer waits.
    """

    steps: int
    learning_rate: float
    weight_decay: float
    label_smoothing: float = 0.0
    fused: bool = False


def classifier_step(
    net: nn.Module, schedule: Schedule, engine: Engine
) -> Callable[[Tensor, Tensor], dict[str, Tensor]]:
    """What takes one step on a batch: images ``(N, C, S, S)`` in [-1, 1] and labels ``(N,)`` int64.

    It returns the loss, without a gradient and without waiting for a GPU.
    """
    optimiser = torch.optim.AdamW(
        net.parameters(),
        schedule.learning_rate,
        weight_decay=schedule.weight_decay,
        fused=schedule.fused or None,
    )
    rates = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, schedule.learning_rate, max(schedule.steps, 2)
    )

    def step(images: Tensor, labels: Tensor) -> dict[str, Tensor]:
        with engine.autocast():
            scores = net(images.contiguous(memory_format=torch.channels_last))
        labels = to_device(labels, engine.device)
        loss = F.cross_entropy(scores.float(), labels, label_smoothing=schedule.label_smoothing)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        rates.step()
        return {"cross_entropy": loss.detach()}

    return step


def train_features(
    images: ImageSet,
    options: FeatureOptions,
    session: Session,
    *,
    name: str = "feature_net",
    log: TrainingLog | None = None,
) -> FeatureNet:
    """Train a classifier of all classes of ``images``; returns it in evaluation mode.

    Args:
        images: all are learned from.
        options: width, steps, batch and rate.
        session: device, progress and seed.
        name: of the phase, for the log and whoever watches.
        log: where losses are kept.

    Raises:
        RecipeError: the training diverged.
    """
    engine = session.engine
    torch.manual_seed(session.seed)
    net = FeatureNet(images.pixels.shape[1], options.width, len(images.classes))
    engine.place(net).train()
    learn = classifier_step(
        net, Schedule(options.steps, options.learning_rate, 0.01, label_smoothing=0.1), engine
    )
    pixels = torch.from_numpy(images.pixels).to(engine.device)
    labels = torch.from_numpy(images.labels).to(engine.device)
    random = np.random.default_rng(session.seed)
    changes = torch.Generator().manual_seed(session.seed)

    def step() -> dict[str, Tensor]:
        rows = torch.from_numpy(random.integers(len(pixels), size=options.batch))
        rows = to_device(rows, engine.device)
        return learn(random_affine(to_batch(pixels[rows], engine.device), changes), labels[rows])

    phase = Phase(name, name.replace("_", " "), options.steps)
    run_training(step, phase, session.progress, log)
    return net.eval()
