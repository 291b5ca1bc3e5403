"""The loop of every training: how long it goes on, what it shows, keeps and logs on the way."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from l2laug.artifacts.training_log import TrainingLog
from l2laug.core.errors import RecipeError
from l2laug.core.progress import Progress

Losses = Mapping[str, Tensor]
LINES = 200  # of the log that a phase fills, about
LARGEST = 1e8  # of a loss; those of trainings that go well stay below a thousand
LEAST_APART = 5  # steps between two of them


@dataclass(frozen=True)
class Phase:
    """A stretch of training.

    Attributes:
        name: in the log.
        title: for whoever watches.
        steps: how many it has.
        done: how many were done by an earlier call.
        seconds: the longest it may take, if that is limited.
    """

    name: str
    title: str
    steps: int
    done: int = 0
    seconds: float | None = None


@dataclass(frozen=True)
class Every:
    """Something to do after each so many steps and after the last one.

    Attributes:
        steps: between two times.
        do: is told how many are done; the training ends where it returns true.
        first: whether to do it before the first step, too.
    """

    steps: int
    do: Callable[[int], bool | None]
    first: bool = False


def run_training(
    step: Callable[[], Losses],
    phase: Phase,
    progress: Progress,
    log: TrainingLog | None = None,
    every: Sequence[Every] = (),
) -> int:
    """Take the steps of a phase, or those that its seconds are enough for.

    Losses stay on their device until they are logged, so that no step waits for a GPU; nothing is
    done by ``every`` with losses that are no numbers.

    Args:
        step: takes one step and returns its losses, scalars without a gradient.
        phase: how many steps.
        progress: where to show how far it is.
        log: where losses are kept.
        every: what to do now and then: checkpoints, evaluations.

    Returns:
        How many steps of the phase are done.

    Raises:
        RecipeError: a loss is no number any more.
    """
    log = log or TrainingLog()
    log.begin(phase.name, phase.done)
    start = time.monotonic()
    apart = max(LEAST_APART, phase.steps // LINES)
    done, recent, note = phase.done, list[Losses](), ""
    with progress.task(phase.title, phase.steps, done, phase.seconds) as advance:
        for event in every:
            if event.first:
                event.do(done)
        while done < phase.steps:
            if phase.seconds is not None and time.monotonic() - start > phase.seconds:
                progress.say(f"{phase.title}: time is up after {done} steps")
                break
            recent.append(step())
            done += 1
            last = done == phase.steps
            due = [event for event in every if last or done % event.steps == 0]
            if due or last or done % apart == 0:
                losses = mean_losses(recent, done)
                log.write(done, losses=losses)
                note = " ".join(f"{name} {value:.4g}" for name, value in losses.items())
                recent.clear()
            advance(note=note)
            ended = [event.do(done) for event in due]
            if any(ended):
                advance(phase.steps - done)
                break
    if recent:
        mean_losses(recent, done)
    return done


def seconds_left(log: TrainingLog, name: str, seconds: float | None) -> float | None:
    """Of the seconds that a phase may take, those that earlier calls have not spent."""
    if seconds is None:
        return None
    return seconds - max((x["seconds"] for x in log.lines if x["phase"] == name), default=0.0)


def mean_losses(recent: Sequence[Losses], done: int) -> dict[str, float]:
    """The mean of each loss over some steps: the one moment at which a GPU is waited for.

    Raises:
        RecipeError: one is no number, or so large that training has diverged.
    """
    names = list(dict.fromkeys(name for losses in recent for name in losses))
    if not names:
        return {}
    means = torch.stack(
        [torch.stack([x[name].float() for x in recent if name in x]).mean() for name in names]
    )
    found = dict(zip(names, means.tolist(), strict=True))
    if odd := [name for name, value in found.items() if not abs(value) < LARGEST]:
        large = all(math.isfinite(found[name]) for name in odd)
        what = "are beyond all bounds" if large else "are no numbers any more"
        raise diverged(done, f"its losses ({', '.join(odd)}) {what}")
    return found


def check_finite(tensors: Iterable[Tensor], step: int) -> None:
    """Make sure that all weights are numbers.

    Raises:
        RecipeError: some are not.
    """
    if not all(torch.stack([t.isfinite().all() for t in tensors]).tolist()):
        raise diverged(step, "its weights are no numbers any more")


def diverged(step: int, what: str) -> RecipeError:
    """The error of a training that went wrong; ``what`` says how it was seen."""
    return RecipeError(
        f"Training diverged by step {step}: {what}.",
        "Lower the recipe's learning rates.",
    )
