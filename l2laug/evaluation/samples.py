"""A set of samples: read it, measure it beside real images, train classifiers with it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from l2laug.artifacts.model_card import Card
from l2laug.core.arrays import Pixels
from l2laug.core.errors import ImageError, UsageError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import read_classes
from l2laug.evaluation.copies import copies_measure, save_nearest
from l2laug.evaluation.near_duplicates import near_duplicates
from l2laug.evaluation.real_images import Real
from l2laug.evaluation.scores import FEWEST, Measure, measure
from l2laug.features.extractor import Extractor
from l2laug.metrics.copies import Copies, find_copies

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
        MissingExtraError: ``lpips`` is not installed.
        BundleError: its weights are missing or do not fit.
        OutputError: the sheet can't be written.
    """
    notes: list[str] = []
    against = real.others if len(real.others) >= FEWEST else real.support
    measures: dict[str, Measure] = {}
    if len(against) < FEWEST or len(drawn) < 2:
        notes.append(
            f"There are too few images for scores other than copies, {FEWEST} real ones and 2 "
            "samples: give real images that were held out with --test."
        )
    else:
        chosen = np.random.default_rng(seed).permutation(len(drawn))[:MOST_SAMPLES]
        measures = measure(extractor(against), extractor(drawn[chosen]), extractor, seed)
        notes.append(f"Scores are measured against halves of {_what(against, real)}.")
    if lpips is not None:
        from l2laug.evaluation.perceptual import perceptual_diversity  # needs torch

        if diversity := perceptual_diversity(drawn, against, lpips, device, seed):
            measures[diversity.name] = diversity
    copies = None
    try:
        copies = find_copies(drawn, real.support, real.others)
    except ImageError as error:
        notes.append(str(error))
    else:
        measures["copies"] = copies_measure(copies, sheet.name)
        save_nearest(sheet, copies, drawn, real.support)
    duplicates = near_duplicates(drawn[:MOST_SAMPLES], real.support, real.others)
    measures[duplicates.name] = duplicates
    return Measured(measures, notes, copies)


def _what(against: Pixels, real: Real) -> str:
    if against is real.others:
        return f"{len(against)} held-out real images"
    return (
        f"the support set itself, {len(against)} images, which the samples were drawn from: they "
        "seem nearer than they are"
    )
