"""Train every arm of a study and summarise it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from l2laug.classification.study import WITH, Study, StudyData
from l2laug.core.arrays import Pixels
from l2laug.core.progress import Progress
from l2laug.data.image_set import ImageSet


def classify(
    rare: str,
    drawn: Pixels,
    train: ImageSet,
    test: ImageSet,
    study: Study,
    folder: Path,
    device: str,
    progress: Progress,
) -> dict[str, Any]:
    """Train classifiers without and with samples; the study and its findings as plain data.

    Args:
        rare: name of the rare class.
        drawn: the samples, uint8 ``(N, C, S, S)``.
        train: real images of every class, of the same size.
        test: real images of the same classes that neither adapt nor training sees.
        study: the setting.
        folder: of the run; trainings that are kept there are not repeated.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: where to show how far it is.

    Raises:
        UsageError: timm has no such model, or it can't take images of this size.
        DeviceError: CUDA was asked for and can't be had.
    """
    from l2laug.classification.arms import ARMS
    from l2laug.classification.results_cache import ResultsCache
    from l2laug.classification.summary import better, find
    from l2laug.classification.train import run_study
    from l2laug.runtime.device import pick_engine  # torch is needed for nothing else here

    engine, cache = pick_engine(device), ResultsCache(folder / "classifier.jsonl")
    given = (StudyData(train, test, rare, drawn), study, engine, progress, cache)
    trained = run_study(*given)
    if study.sweep:
        label = test.classes.index(rare)
        best = better(WITH, trained, test.labels, label, study.share)
        arms = [arm for arm in ARMS if arm.name == best]
        trained += run_study(*given, arms=arms, shares=study.sweep)
    found = find(trained, test, rare, study, len(drawn), folder)
    return {"study": asdict(study), **found}
