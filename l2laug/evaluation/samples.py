"""A set of samples: read it, whatever its size, and measure it beside real images."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from l2laug.artifacts.model_card import Card
from l2laug.core.arrays import Pixels
from l2laug.core.errors import ImageError, UsageError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import read_files, unreadable
from l2laug.evaluation.copies import copies_measure, save_nearest
from l2laug.evaluation.near_duplicates import near_duplicates
from l2laug.evaluation.real_images import Real
from l2laug.evaluation.scores import FEWEST, Measure, measure
from l2laug.features.extractor import Extractor
from l2laug.metrics.copies import Copies, find_copies

MOST_SAMPLES = 5000  # kept in memory: for features, hashes and classifiers
CHUNK = 256  # samples read at once


@dataclass(frozen=True)
class Samples:
    """Samples, of which no more than :data:`MOST_SAMPLES` are in memory, however many there are.

    Attributes:
        count: how many there are.
        kept: those in memory, all or a random part in their order, uint8 ``(K, C, S, S)``.
        read: the samples ``(M, C, S, S)`` of the numbers ``(M,)`` asked for.
        files: where each of them lies, where that is known.
    """

    count: int
    kept: Pixels
    read: Callable[[NDArray[np.int64]], Pixels]
    files: tuple[Path, ...] = ()

    @classmethod
    def in_memory(cls, pixels: Pixels, files: Sequence[Path] = ()) -> Samples:
        """All of ``pixels``, which are in memory already."""
        return cls(len(pixels), pixels, lambda rows: pixels[rows], tuple(files))

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> Pixels:
        """The sample ``(C, S, S)`` number i."""
        pixels: Pixels = self.read(np.array([i]))[0]
        return pixels

    def chunks(self) -> Iterator[Pixels]:
        """All of them in their order, ``(CHUNK, C, S, S)`` at a time."""
        for start in range(0, self.count, CHUNK):
            yield self.read(np.arange(start, min(start + CHUNK, self.count)))

    def some(self, count: int, seed: int, most: int = MOST_SAMPLES) -> Samples:
        """A random ``count`` of them, in their order; ``most`` of those are in memory."""
        random = np.random.default_rng(seed)
        chosen = np.sort(random.permutation(self.count)[:count])
        files = tuple(self.files[i] for i in chosen) if self.files else ()
        if len(self.kept) == self.count:
            return Samples.in_memory(self.kept[chosen], files)
        inside = chosen[np.sort(random.permutation(count)[:most])]
        parts = [self.read(inside[i : i + CHUNK]) for i in range(0, len(inside), CHUNK)]
        return Samples(count, np.concatenate(parts), lambda rows: self.read(chosen[rows]), files)


def read_samples(
    folder: Path, card: Card, progress: Progress, seed: int = 0, most: int = MOST_SAMPLES
) -> Samples:
    """The samples of the card's class in a folder, at its size and channels.

    They are the images of the class folder of that name, or of the only one. Files that can't be
    read are named and left out.

    Args:
        folder: of class folders, or of images.
        card: of the adapted model.
        progress: where to name what is left out.
        seed: of the choice of those that are kept in memory.
        most: how many these are.

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
    return read_sample_files(files, card, progress, seed, most)


def read_sample_files(
    files: Sequence[Path], card: Card, progress: Progress, seed: int, most: int
) -> Samples:
    """Look at all files, and keep a random ``most`` of the images (Vitter 1985, algorithm R)."""
    shape = (min(len(files), most), card.channels, card.size, card.size)
    kept, rows = np.empty(shape, np.uint8), np.empty(shape[0], np.int64)
    random, good, bad = np.random.default_rng(seed), list[Path](), list[tuple[Path, str]]()
    for start in range(0, len(files), CHUNK):
        chunk = files[start : start + CHUNK]
        for path, found in zip(chunk, read_files(chunk, card.size, card.channels), strict=True):
            if isinstance(found, str):
                bad.append((path, found))
                continue
            place = len(good) if len(good) < most else int(random.integers(len(good) + 1))
            if place < most:
                kept[place], rows[place] = found, len(good)
            good.append(path)
    if not good:
        raise unreadable(bad)
    for path, reason in bad:
        progress.say(f"note: left out {path}: {reason}")
    if len(good) <= most:
        return Samples.in_memory(kept[: len(good)], good)

    def read(wanted: NDArray[np.int64]) -> Pixels:
        found = read_files([good[i] for i in wanted], card.size, card.channels)
        if gone := [(good[i], f) for i, f in zip(wanted, found, strict=True) if isinstance(f, str)]:
            raise unreadable(gone)
        return np.stack([f for f in found if not isinstance(f, str)])

    return Samples(len(good), kept[np.argsort(rows)], read, tuple(good))


class Measured(NamedTuple):
    """What was measured of a set.

    Attributes:
        measures: every score that the sets are large enough for, by name.
        notes: what to know of them.
        copies: which samples are copies; None with too few real images.
    """

    measures: dict[str, Measure]
    notes: list[str]
    copies: Copies | None


def measure_samples(
    drawn: Samples,
    real: Real,
    extractor: Extractor,
    seed: int,
    sheet: Path | None,
    lpips: Path | None = None,
    device: str = "auto",
) -> Measured:
    """Measure a set of samples.

    Args:
        drawn: the samples.
        real: the real images, of the same size.
        extractor: what to measure on.
        seed: of the halves that the real images are split in.
        sheet: where to save the samples that come nearest to support images, beside these; None
            saves nothing.
        lpips: weights of AlexNet, to measure perceptual diversity too.
        device: for that.

    Raises:
        MissingExtraError: ``lpips`` is not installed.
        BundleError: its weights are missing or do not fit.
        OutputError: the sheet can't be written.
    """
    notes: list[str] = []
    if len(drawn.kept) < len(drawn):
        notes.append(
            f"All {len(drawn)} samples are searched for copies; the other scores, pictures and "
            f"classifiers take {len(drawn.kept)} of them, chosen at random."
        )
    against = real.others if len(real.others) >= FEWEST else real.support
    measures: dict[str, Measure] = {}
    if len(against) < FEWEST or len(drawn) < 2:
        notes.append(
            f"There are too few images for scores other than copies, {FEWEST} real ones and 2 "
            "samples: give real images that were held out with --test."
        )
    else:
        chosen = np.random.default_rng(seed).permutation(len(drawn.kept))
        measures = measure(extractor(against), extractor(drawn.kept[chosen]), extractor, seed)
        on_general = _on_general_features(drawn, against, real, seed, device)
        measures |= on_general
        if on_general:
            names, net = ", ".join(on_general), next(iter(on_general.values())).extractor
            notes.append(f"Features for {names}: {net}.")
        notes.append(f"Scores are measured against halves of {_what(against, real)}.")
    if lpips is not None:
        from l2laug.evaluation.perceptual import perceptual_diversity  # needs torch

        if diversity := perceptual_diversity(drawn.kept, against, lpips, device, seed):
            measures[diversity.name] = diversity
    copies = None
    try:
        copies = find_copies(drawn.chunks(), real.support, real.others)
    except ImageError as error:
        notes.append(str(error))
    else:
        measures["copies"] = copies_measure(copies, sheet.name if sheet else "without --private")
        if sheet is not None:
            save_nearest(sheet, copies, drawn, real.support)
    duplicates = near_duplicates(drawn.kept, real.support, real.others)
    measures[duplicates.name] = duplicates
    if "fid" in measures:
        measures["fid"] = measures.pop("fid")  # the last: at such sizes it tells least
    return Measured(measures, notes, copies)


def _on_general_features(
    drawn: Samples, against: Pixels, real: Real, seed: int, device: str
) -> dict[str, Measure]:
    from l2laug.evaluation.general_scores import general_measures
    from l2laug.features.general import general_extractor  # needs torch

    support = real.support if against is real.others else None
    return general_measures(against, drawn.kept, support, general_extractor(device), seed)


def _what(against: Pixels, real: Real) -> str:
    if against is real.others:
        return f"{len(against)} held-out real images"
    return (
        f"the support set itself, {len(against)} images, which the samples were drawn from: scores "
        "are better than they would be against new images"
    )
