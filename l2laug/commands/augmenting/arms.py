"""Measure whether samples of a rare class help, and which training without them is best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2laug.artifacts.run import Run
from l2laug.commands.evaluate import evaluate
from l2laug.commands.sample import SampleOptions, sample
from l2laug.config.evaluation_options import EvaluationOptions
from l2laug.runtime.session import Session

SAMPLES = 200  # that a study draws from
DEFAULT = "classical"  # where nothing could be measured


@dataclass(frozen=True)
class Measured:
    """What a study says of one class.

    Attributes:
        word: ``helps``, ``hurts``, ``unclear``; or ``not measured``.
        without: the best training without samples.
        with_samples: the best with them.
        difference: of the rare class's F1, with its 95 % interval.
        low, high: that interval.
        notes: what the reader should know of it.
    """

    word: str
    without: str = DEFAULT
    with_samples: str = ""
    difference: float = 0.0
    low: float = -1.0
    high: float = 1.0
    notes: tuple[str, ...] = ()

    @property
    def helps(self) -> bool:
        """Whether samples beat all else."""
        return self.word == "helps"


NOT_MEASURED = "not measured"


def measure_class(run: Run, train: Path, test: Path, session: Session) -> Measured:
    """Draw samples of a class and train classifiers without and with them.

    Args:
        run: the adapted model, of images in ``train`` alone.
        train: class folders to train on.
        test: class folders to test on.
        session: for the classifiers; its seed is that of the samples.

    Raises:
        L2lAugError: what :func:`sample` and :func:`evaluate` raise.
    """
    options = SampleOptions(SAMPLES, seed=session.seed, device=session.device, resume=True)
    sample(run, options, session.progress)
    found = evaluate(run, EvaluationOptions(dataset=train, test=test, classifier=True), session)
    return read_verdict(found.verdicts[0])


def read_verdict(entry: dict[str, Any]) -> Measured:
    """What matters here of one head's entry as plain data."""
    low, high = entry["interval"]
    return Measured(
        entry["verdict"],
        entry["best_without"],
        entry["best_with"],
        entry["change"],
        low,
        high,
        tuple(entry["notes"]),
    )


def best_without(found: Iterable[Measured]) -> str:
    """The training without samples that is best of most classes; the first of equals."""
    counts = Counter(one.without for one in found if one.word != NOT_MEASURED)
    return max(counts, key=lambda arm: counts[arm], default=DEFAULT)
