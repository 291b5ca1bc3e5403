"""Measure whether samples of a rare class help, and which training without them is best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from l2laug.artifacts.run import Run
from l2laug.commands.evaluate import evaluate
from l2laug.commands.sample import SampleOptions, sample
from l2laug.config.evaluation_options import PROBE, EvaluationOptions
from l2laug.core.errors import UsageError
from l2laug.reports.augmentation import NOT_MEASURED
from l2laug.runtime.session import Session

SAMPLES = 200  # that a study draws from
DEFAULT = "classical"  # where nothing could be measured
CLASSICAL: Mapping[str, Any] = {
    "policy": {"classical": 1.0, "free_form": 0.0, "flips": "", "erasing": 0.0},
    "balanced": True,
    "weight": 1.0,
}


@dataclass(frozen=True)
class Measured:
    """What studies say of one class.

    Attributes:
        word: ``helps``, ``hurts``, ``unclear``; or ``not measured``.
        without: the best training without samples.
        with_samples: the best with them.
        setting: of the best without: its ``policy``, whether it is ``balanced`` and its ``weight``,
            see :class:`l2laug.classification.arms.registry.Setting`.
        difference: of the rare class's F1, with its 95 % interval.
        low, high: that interval.
        share: of the class's draws that are samples in the best training with them.
        heads: verdict, change and interval of every classifier; the fields above are of the first.
        notes: what the reader should know of it.
    """

    word: str
    without: str = DEFAULT
    with_samples: str = ""
    setting: Mapping[str, Any] = field(default_factory=lambda: dict(CLASSICAL))
    difference: float = 0.0
    low: float = -1.0
    high: float = 1.0
    share: float = 0.0
    heads: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def helps(self) -> bool:
        """Whether samples beat all else."""
        return self.word == "helps"


def measure_class(
    run: Run, train: Path, test: Path, session: Session, heads: Sequence[str] = (PROBE,)
) -> Measured:
    """Draw samples of a class and train classifiers without and with them.

    Args:
        run: the adapted model, of images in ``train`` alone.
        train: class folders to train on.
        test: class folders to test on.
        session: for the classifiers; its seed is that of the samples.
        heads: the classifiers.

    Returns:
        The verdict; ``not measured`` where images that the generator has not seen are too few.

    Raises:
        L2lAugError: what :func:`sample` and :func:`evaluate` raise.
    """
    options = SampleOptions(SAMPLES, seed=session.seed, device=session.device, resume=True)
    sample(run, options, session.progress)
    asked = EvaluationOptions(dataset=train, test=test, classifier=True, heads=tuple(heads))
    try:
        return read_verdicts(evaluate(run, asked, session).verdicts)
    except UsageError as error:  # the bundle learned from those images, or they are twins
        return Measured(NOT_MEASURED, notes=(error.fact,))


def read_verdicts(entries: Sequence[Mapping[str, Any]]) -> Measured:
    """What matters here of a study's entries: samples help if a head says so and none objects."""
    words = {entry["verdict"] for entry in entries}
    word = "hurts" if "hurts" in words else "helps" if "helps" in words else "unclear"
    first = next((e for e in entries if e["verdict"] == word), entries[0])
    arms = {arm["name"]: arm for arm in first["arms"]}
    best = arms[first["best_without"]]["setting"]
    low, high = first["interval"]
    heads = [{k: e[k] for k in ("head", "verdict", "change", "interval")} for e in entries]
    return Measured(
        word,
        first["best_without"],
        first["best_with"],
        {key: best[key] for key in CLASSICAL},
        first["change"],
        low,
        high,
        arms[first["best_with"]]["share"],
        tuple(heads),
        tuple(dict.fromkeys(note for entry in entries for note in entry["notes"])),
    )


def best_without(found: Iterable[Measured]) -> Measured:
    """One whose training without samples is best of most classes; the first of equals."""
    known = [one for one in found if one.word != NOT_MEASURED]
    counts = Counter(one.without for one in known)
    return max(known, key=lambda one: counts[one.without], default=Measured(NOT_MEASURED))
