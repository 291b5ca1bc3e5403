"""A source training that goes on after a stop: checkpoints, sheets, a log, a limit in time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from torch import nn

from l2laug.artifacts.names import METRICS
from l2laug.artifacts.training_log import TrainingLog
from l2laug.training.checkpoints import Drawn, load_checkpoint, save_checkpoint
from l2laug.training.loop import Every, Phase, seconds_left
from l2laug.training.steps.adversarial import AdversarialTrainer

SHEET_EVERY = 1000
N = TypeVar("N", bound=nn.Module)
C = TypeVar("C", bound=nn.Module)
S = TypeVar("S", bound=Drawn)


@dataclass(frozen=True)
class Resumable:
    """What a source training leaves in its folder.

    Attributes:
        folder: of what is unfinished.
        name: of the checkpoint and the sheets.
        title: for whoever watches.
        checkpoint_every: steps between two checkpoints.
        draw: saves a sheet of what is drawn now at a path.
    """

    folder: Path
    name: str
    title: str
    checkpoint_every: int
    draw: Callable[[Path], None]


def train_resumably(
    trainer: AdversarialTrainer[N, C, S], source: S, seconds: float | None, job: Resumable
) -> None:
    """Take the steps that are left, going on from a checkpoint if there is one.

    Of several processes the first alone writes.

    Args:
        trainer: its options say how many steps there are.
        source: what batches are drawn from.
        seconds: that all calls may take together, if that is limited.
        job: what is kept on the way.

    Raises:
        RecipeError: the training diverged.
        BundleError: the checkpoint is of other networks than the recipe's.
        OutputError: the folder can't be written.
    """
    checkpoint = job.folder / f"{job.name}.pt"
    load_checkpoint(checkpoint, trainer, source)
    main = trainer.processes is None or trainer.processes.main
    keep = (
        Every(job.checkpoint_every, lambda _: save_checkpoint(checkpoint, trainer, source)),
        Every(SHEET_EVERY, lambda n: job.draw(job.folder / f"{job.name}-{n:06d}.png")),
    )
    log = TrainingLog(job.folder / METRICS if main else None)
    left = seconds_left(log, "source", seconds)
    trainer.limit_time(seconds, left)
    phase = Phase("source", job.title, trainer.options.steps, trainer.done, left)
    trainer.train(source, phase, log, keep if main else ())
