"""Compare: samples of several runs and tools side by side, on the same real images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from l2laug.artifacts.model_card import Card
from l2laug.artifacts.names import MODEL
from l2laug.artifacts.run import find_run
from l2laug.classification.run import classify
from l2laug.classification.study import Study, usual_steps
from l2laug.commands.evaluate import find_bundle_of, read_options
from l2laug.core.arrays import Pixels
from l2laug.core.errors import UsageError
from l2laug.core.files import write_text
from l2laug.core.progress import Progress
from l2laug.data.contact_sheet import save_sheet
from l2laug.evaluation.real_images import read_real
from l2laug.evaluation.samples import measure_samples, read_samples
from l2laug.evaluation.scores import Measure
from l2laug.features.registry import find_extractor
from l2laug.reports.comparison import render
from l2laug.sampling.sampler import Sampler

SCHEMA = 2
SHOWN = 12  # images of a row on the sheet


@dataclass(frozen=True)
class Compared:
    """One of the sets.

    Attributes:
        name: that it goes by in the table.
        samples: folder that it was read from.
        found: how many images it holds; as many as the smallest set has are compared.
        measures: of its scores, see ``Measure``.
        classifier: outcomes, verdict and notes, where a classifier was asked for.
    """

    name: str
    samples: str
    found: int
    measures: dict[str, Measure]
    classifier: dict[str, Any] | None = None


@dataclass(frozen=True)
class Comparison:
    """A comparison as plain data.

    Attributes:
        class_name: the rare class.
        run: whose support set and held-out images all are held against.
        counts: images of each kind that went in; ``samples`` of each set.
        extractor: name and SHA-256 of what the features come from, and how it resizes images.
        sets: in the order given.
        notes: what the reader should know of the numbers.
        paths: the report and what it speaks of.
    """

    class_name: str
    run: str
    counts: dict[str, int]
    extractor: dict[str, str]
    sets: list[Compared]
    notes: list[str]
    paths: dict[str, str]
    schema: int = SCHEMA


def compare(
    given: Sequence[Path],
    *,
    out: Path | None = None,
    dataset: Path | None = None,
    test: Path | None = None,
    features: str = "bundle",
    lpips: Path | None = None,
    classifier: bool = False,
    model: str = Study.model,
    seeds: int = Study.seeds,
    steps: int | None = None,
    seed: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
) -> Comparison:
    """Score several sets of samples of one class alike; write ``comparison.{json,md,png}``.

    All are held against the same halves of the same real images, with as many samples as the
    smallest set has. No image that one of the runs was adapted from counts as held out.

    Args:
        given: run folders or ``.onnx`` files, of which the samples are taken, and folders of images
            or class folders that any tool wrote. The first run gives class, size and real images.
        out: folder to write to; the first run's by default.
        dataset: class folders of real images to train with; the rare folder's siblings by default.
        test: class folders of real images to test on, as for ``evaluate``.
        features: what to measure on, as for ``evaluate``.
        lpips: likewise.
        classifier: train classifiers without and with each set; those without only once.
        model: ``small`` or a timm model's name.
        seeds: trainings of each kind.
        steps: of each training, as for ``evaluate``.
        seed: of the splits, and of the samples chosen from larger sets.
        device: for the classifiers and timm's features.
        progress: where to show how far it is.

    Raises:
        UsageError: there is no run among them, they are of different classes or one is given
            twice; there are no samples, or no images to test on.
        ImageError: images are missing or can't be read.
        BundleError: a model, its bundle or the weights of ``features`` are gone or do not fit.
    """
    progress = progress or Progress(quiet=True)
    names = _names(given)
    runs = {i: find_run(path) for i, path in enumerate(given) if _is_run(path)}
    if not runs:
        raise UsageError(
            f"There is no run among {', '.join(map(str, given))}.",
            "Name one too: all are held against its support set and the real images beside it.",
        )
    cards = {i: Sampler(run.model, device="cpu").card for i, run in runs.items()}
    first = min(runs)
    card, notes = _seen_by_all(cards, first, names)
    folders = [runs[i].samples if i in runs else path for i, path in enumerate(given)]
    drawn = [read_samples(folder, card, progress) for folder in folders]
    count = min(map(len, drawn))
    if count < max(map(len, drawn)):
        smallest = names[[len(pixels) for pixels in drawn].index(count)]
        notes.append(f"Of each set {count} samples are compared, as many as {smallest} has.")
    main, out = runs[first], out or runs[first].folder
    options = read_options(main)
    real = read_real(card, options, dataset, test, seed, classifier, progress)
    extractor = find_extractor(features, find_bundle_of(card, options), device)
    steps = steps or usual_steps(len(real.train.classes))
    study = Study(model=model, steps=steps, seeds=seeds)
    sets, chosen = [], [_some(pixels, count, seed) for pixels in drawn]
    for i, (name, pixels) in enumerate(zip(names, chosen, strict=True)):
        progress.say(f"{name}: {folders[i]}")
        sheet = out / f"comparison-copies-{i + 1}.png"
        measures, said, _ = measure_samples(pixels, real, extractor, seed, sheet, lpips, device)
        notes += [note for note in said if note not in notes]
        found = None
        if classifier:
            found = classify(
                card.class_name, pixels, real.train, real.test, study, main.folder, device, progress
            )
            del found["advice"]  # it is about the run alone
        sets.append(Compared(name, str(folders[i]), len(drawn[i]), measures, found))
    result = Comparison(
        class_name=card.class_name,
        run=str(main.folder),
        counts={
            "samples": count,
            "support": len(real.support),
            "real_held_out": len(real.others),
            "train": len(real.train.pixels),
            "test": len(real.test.pixels),
        },
        extractor={
            "name": extractor.name,
            "sha256": extractor.digest,
            "resizing": extractor.resizing,
        },
        sets=sets,
        notes=notes,
        paths={"report": str(out / "comparison.md"), "sheet": str(out / "comparison.png")},
    )
    plain = asdict(result)
    rows = [list(pixels[:SHOWN]) for pixels in (real.support, *chosen)]
    save_sheet(out / "comparison.png", rows)
    write_text(out / "comparison.json", json.dumps(plain, indent=1, ensure_ascii=False) + "\n")
    write_text(out / "comparison.md", render(plain))
    return result


def _is_run(path: Path) -> bool:
    return path.is_file() or (path / MODEL).is_file()


def _names(given: Sequence[Path]) -> list[str]:
    """What each goes by: the name of its folder, or the path as given where names are alike."""
    places = [path.resolve() for path in given]
    for path, place in zip(given, places, strict=True):
        if places.count(place) > 1:
            raise UsageError(f"{path} is given twice.", "Name each set once.")
    short = [(p.parent if p.is_file() else p).name for p in places]
    return short if len(set(short)) == len(short) else [str(path) for path in given]


def _seen_by_all(
    cards: dict[int, Card], first: int, names: Sequence[str]
) -> tuple[Card, list[str]]:
    """The first run's card, with what any of the runs was adapted from or learned along."""
    card, notes, seen = cards[first], list[str](), dict.fromkeys(cards[first].support_hashes)
    along = {h for other in cards.values() for h in other.base_hashes}
    for i, other in cards.items():
        if other.class_name != card.class_name:
            raise UsageError(
                f"{names[i]} draws {other.class_name}, {names[first]} draws {card.class_name}.",
                "Compare sets of one class.",
            )
        if (other.size, other.channels) != (card.size, card.channels):
            notes.append(
                f"{names[i]} was adapted at another size than {names[first]}: the images that it "
                "was adapted from may be among those held out."
            )
        elif new := [h for h in other.support_hashes if h not in seen]:
            seen.update(dict.fromkeys(new))
            notes.append(
                f"{names[i]} was adapted from {len(new)} images that {names[first]} was not: they "
                "count as support images of all."
            )
    return replace(card, support_hashes=tuple(seen), base_hashes=tuple(sorted(along))), notes


def _some(pixels: Pixels, count: int, seed: int) -> Pixels:
    """A random ``count`` of the images in their order."""
    chosen: Pixels = pixels[np.sort(np.random.default_rng(seed).permutation(len(pixels))[:count])]
    return chosen
