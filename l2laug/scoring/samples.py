"""A set of samples: read it, measure it beside real images, train classifiers with it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from l2laug.card import Card
from l2laug.errors import ImageError, UsageError
from l2laug.images import Pixels, class_folders, read_classes
from l2laug.progress import Progress
from l2laug.scoring.copies import Copies, find_copies, save_nearest
from l2laug.scoring.features import Extractor
from l2laug.scoring.floors import FEWEST, Measure, measure
from l2laug.scoring.near_duplicates import near_duplicates
from l2laug.scoring.real import Real
from l2laug.scoring.study import WITH, Study

MOST_SAMPLES = 5000  # that features are taken of


def read_samples(folder: Path, card: Card, progress: Progress) -> Pixels:
    """The samples ``(N, C, S, S)`` of the card's class in a folder, at its size and channels.

    They are the images of the class folder of that name, or of the only one. Files that can't be
    read are named and left out.

    Raises:
        UsageError: there is no such folder, or there are several and none is of the class.
        ImageError: no image in it can be read.
    """
    if not folder.is_dir():
        raise UsageError(
            f"No samples at {folder}.",
            "Draw some first (l2laug sample -n 1000), or name their folder with --samples DIR.",
        )
    classes = class_folders(folder)
    if len(classes) > 1 and card.class_name not in classes:
        raise UsageError(
            f"{folder} has class folders {', '.join(classes)}, none of them {card.class_name}.",
            "Name the folder of that class.",
        )
    files = classes.get(card.class_name) or next(iter(classes.values()))
    found = read_classes({card.class_name: files}, card.size, card.channels)
    for path, reason in found.skipped:
        progress.say(f"note: left out {path}: {reason}")
    return found.pixels


class Measured(NamedTuple):
    """What was measured of a set.

    Attributes:
        measures: every score that the sets are large enough for, by name.
        notes: what to know of them.
        copies: which samples copy, if there is a yardstick.
    """

    measures: dict[str, Measure]
    notes: list[str]
    copies: Copies | None


def measure_samples(
    drawn: Pixels,
    real: Real,
    extractor: Extractor,
    seed: int,
    sheet: Path,
    lpips: Path | None = None,
    device: str = "auto",
) -> Measured:
    """Measure a set of samples.

    Args:
        drawn: the samples, uint8 ``(N, C, S, S)``.
        real: the real images, of the same size.
        extractor: what to measure on.
        seed: of the halves that the real images are split in.
        sheet: where to save the samples that come nearest to support images.
        lpips: weights of AlexNet, to measure perceptual diversity too.
        device: for that.

    Raises:
        UsageError: ``lpips`` is not installed.
        BundleError: its weights are missing or do not fit.
        OutputError: the sheet can't be written.
    """
    notes: list[str] = []
    against = real.others if len(real.others) >= FEWEST else real.support
    measures: dict[str, Measure] = {}
    if len(against) < FEWEST or len(drawn) < 2:
        notes.append(
            f"There are too few images for scores other than copies, {FEWEST} real ones and 2 "
            "samples: give real images that were kept back with --test."
        )
    else:
        chosen = np.random.default_rng(seed).permutation(len(drawn))[:MOST_SAMPLES]
        measures = measure(extractor(against), extractor(drawn[chosen]), extractor, seed)
        notes.append(f"Scores are measured against halves of {_what(against, real)}.")
    if lpips is not None:
        from l2laug.scoring.perceptual import perceptual_diversity  # needs torch

        if diversity := perceptual_diversity(drawn, against, lpips, device, seed):
            measures[diversity.name] = diversity
    copies = None
    try:
        copies = find_copies(drawn, real.support, real.others)
    except ImageError as error:
        notes.append(str(error))
    else:
        measures["copies"] = copies.measure(sheet.name)
        save_nearest(sheet, copies, drawn, real.support)
    duplicates = near_duplicates(drawn[:MOST_SAMPLES], real.support, real.others)
    measures[duplicates.name] = duplicates
    return Measured(measures, notes, copies)


def classify(
    rare: str,
    drawn: Pixels,
    real: Real,
    study: Study,
    folder: Path,
    device: str,
    progress: Progress,
) -> dict[str, Any]:
    """Train classifiers without and with samples; the study and its findings as plain data.

    Args:
        rare: name of the rare class.
        drawn: the samples, uint8 ``(N, C, S, S)``.
        real: the real images, of the same size.
        study: the setting.
        folder: of the run; trainings that are kept there are not repeated.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: where to show how far it is.

    Raises:
        UsageError: timm has no such model, or it can't take images of this size.
        DeviceError: CUDA was asked for and can't be had.
    """
    from l2laug.nn.device import pick_engine  # torch is needed for nothing else here
    from l2laug.scoring.classifier import ARMS, run_study
    from l2laug.scoring.findings import better, find
    from l2laug.scoring.ledger import Ledger

    engine, ledger = pick_engine(device), Ledger(folder / "classifier.jsonl")
    given = (real.train, real.test, rare, drawn, study, engine, progress, ledger)
    trained = run_study(*given)
    if study.sweep:
        label = real.test.classes.index(rare)
        best = better(WITH, trained, real.test.labels, label, study.share)
        arms = [arm for arm in ARMS if arm.name == best]
        trained += run_study(*given, arms=arms, shares=study.sweep)
    found = find(trained, real.test, rare, study, len(drawn), folder)
    return {"study": asdict(study), **found}


def _what(against: Pixels, real: Real) -> str:
    if against is real.others:
        return f"{len(against)} kept-back real images"
    return (
        f"the support set itself, {len(against)} images, which the samples were drawn from: they "
        "seem nearer than they are"
    )
