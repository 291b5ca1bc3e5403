"""The commands' functions by keywords, as a test calls them: on the CPU, showing nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from l2laug.artifacts.run import Run
from l2laug.commands import adapt as adapting
from l2laug.commands import compare as comparing
from l2laug.commands import evaluate as evaluating
from l2laug.commands import pretrain as pretraining
from l2laug.commands import reproduce as reproducing
from l2laug.commands import score as scoring
from l2laug.config.evaluation_options import EvaluationOptions
from l2laug.core.progress import Progress
from l2laug.evaluation.bundles.held_out_scores import HeldOutScores
from l2laug.runtime.session import Session


def session(seed: int = 0, progress: Progress | None = None, device: str = "cpu") -> Session:
    return Session.start(device, progress, seed)


def adapt(folder: Path, *, seed: int = 0, **options: Any) -> list[adapting.Adapted]:
    return adapting.adapt(folder, adapting.AdaptOptions(**options), session(seed))


def evaluate(run: Run, *, seed: int = 0, **options: Any) -> evaluating.Evaluation:
    return evaluating.evaluate(run, EvaluationOptions(**options), session(seed))


def compare(given: Sequence[Path], *, out: Path | None = None, **options: Any) -> Any:
    return comparing.compare(given, EvaluationOptions(**options), session(), out)


def pretrain(source: Path, out: Path, *, seed: int = 0, **options: Any) -> pretraining.Pretrained:
    return pretraining.pretrain(source, out, pretraining.PretrainOptions(**options), session(seed))


def score(
    bundle: str, source: Path, *, progress: Progress | None = None, **options: Any
) -> dict[str, list[HeldOutScores]]:
    given = session(progress=progress)
    return scoring.score(bundle, source, scoring.ScoreOptions(**options), given)


def reproduce(source: Path, out: Path, **options: Any) -> reproducing.Reproduction:
    return reproducing.reproduce(source, out, reproducing.ReproduceOptions(**options), session())
