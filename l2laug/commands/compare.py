"""Compare: samples of several runs and tools side by side, on the same real images."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from l2laug.artifacts.model_card import Card
from l2laug.artifacts.names import MODEL
from l2laug.artifacts.run import Run, find_run
from l2laug.classification.run import make_embedding
from l2laug.commands.evaluate import (
    count_real,
    describe_extractor,
    find_bundle_of,
    read_images,
    read_options,
    train_classifiers,
    untested,
    with_learned,
)
from l2laug.config.evaluation_options import EvaluationOptions
from l2laug.core.errors import BundleError, UsageError
from l2laug.core.files import own_folder, write_text
from l2laug.core.locks import alone_in
from l2laug.core.progress import Progress
from l2laug.data.images.contact_sheet import save_sheet
from l2laug.evaluation.samples import Samples, measure_samples, read_samples
from l2laug.evaluation.scores import Measure
from l2laug.features.registry import find_extractor
from l2laug.reports.comparison import render
from l2laug.runtime.session import Session
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
        verdicts: of each kind of classifier, where one was asked for.
    """

    name: str
    samples: str
    found: int
    measures: dict[str, Measure]
    verdicts: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Comparison:
    """A comparison as plain data.

    Attributes:
        class_name: the rare class.
        run: whose support set and held-out images all are compared with.
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
    options: EvaluationOptions,
    session: Session,
    out: Path | None = None,
) -> Comparison:
    """Score several sets of samples of one class alike; write ``comparison.{json,md,png}``.

    All are compared with the same halves of the same real images, with as many samples as the
    smallest set has. No image that one of the runs was adapted from counts as held out. Classifiers
    without samples are trained only once.

    Args:
        given: run folders or ``.onnx`` files, of which the samples are taken, and folders of images
            or class folders that any tool wrote. The first run gives class, size and real images.
        options: as for ``evaluate``.
        session: likewise; its seed also chooses samples from larger sets.
        out: folder to write to; the first run's by default.

    Raises:
        UsageError: there is no run among them, they are of different classes or one is given
            twice; there are no samples, or no images to test on.
        ImageError: images are missing or can't be read.
        BundleError: a model, its bundle or the weights of ``features`` are gone or do not fit.
        OutputError: another process is writing to ``out`` or into the first run's folder, or it
            can't be written.
    """
    sets = _read_sets(given, session.progress)
    here = sets.run.folder
    elsewhere = out is not None and out.resolve() != here.resolve()
    with ExitStack() as held:
        if options.classifier or not elsewhere:  # the run keeps what classifiers learned
            held.enter_context(alone_in(here))
        if out is not None and elsewhere:
            held.enter_context(own_folder(out))
        return _compare(sets, options, session, out or here)


def _compare(sets: _Sets, options: EvaluationOptions, session: Session, out: Path) -> Comparison:
    card, notes = sets.card, list(sets.notes)
    about = read_options(sets.run)
    bundle, said = find_bundle_of(card, about, options.features)
    card, notes = with_learned(card, bundle), notes + said
    real = read_images(card, about, options, session)
    extractor = find_extractor(options.features, bundle, session.device)
    count = min(map(len, sets.drawn))
    chosen = [one.some(count, session.seed) for one in sets.drawn]
    # All sets are compared with the same real images, which a probe needs to look at only once.
    embedding = make_embedding(session) if options.classifier else None
    compared = []
    for i, samples in enumerate(chosen):
        session.progress.say(f"{sets.names[i]}: {sets.folders[i]}")
        sheet = None if options.private else out / f"comparison-copies-{i + 1}.png"
        measures, said, _ = measure_samples(
            samples, real, extractor, session.seed, sheet, options.lpips, session.device
        )
        notes += [note for note in said if note not in notes]
        found = train_classifiers(
            card.class_name, samples, real, options, sets.run, session, embedding
        )
        for entry in found:
            del entry["advice"]  # it is about the run alone
        folder, there = str(sets.folders[i]), len(sets.drawn[i])
        compared.append(Compared(sets.names[i], folder, there, measures, found))
    result = Comparison(
        class_name=card.class_name,
        run=str(sets.run.folder),
        counts={"samples": count, **count_real(real)},
        extractor=describe_extractor(extractor),
        sets=compared,
        notes=[*notes, *real.notes, *untested(card, real)],
        paths={"report": str(out / "comparison.md"), "sheet": str(out / "comparison.png")},
    )
    plain = asdict(result)
    given_images = [] if options.private else [real.support]
    rows = [list(p[:SHOWN]) for p in (*given_images, *(one.kept for one in chosen))]
    save_sheet(out / "comparison.png", rows)
    write_text(out / "comparison.json", json.dumps(plain, indent=1, ensure_ascii=False) + "\n")
    write_text(out / "comparison.md", render(plain))
    return result


@dataclass(frozen=True)
class _Sets:
    """The sets as they were read: what each goes by, where it lies, its images; the first run."""

    names: list[str]
    folders: list[Path]
    drawn: list[Samples]
    run: Run
    card: Card
    notes: list[str]


def _read_sets(given: Sequence[Path], progress: Progress) -> _Sets:
    """Read all sets, and what the runs among them have seen."""
    names = _names(given)
    runs = {i: find_run(path) for i, path in enumerate(given) if _is_run(path)}
    if not runs:
        raise UsageError(
            f"There is no run among {', '.join(map(str, given))}.",
            "Name one too: all are compared with its support set and the real images beside it.",
        )
    first = min(runs)
    card, notes = _seen_by_all(runs, first, names)
    folders = [runs[i].samples if i in runs else path for i, path in enumerate(given)]
    drawn = [read_samples(folder, card, progress) for folder in folders]
    count = min(map(len, drawn))
    if count < max(map(len, drawn)):
        smallest = names[[len(one) for one in drawn].index(count)]
        notes.append(f"Of each set {count} samples are compared, as many as {smallest} has.")
    return _Sets(names, folders, drawn, runs[first], card, notes)


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


def _seen_by_all(runs: dict[int, Run], first: int, names: Sequence[str]) -> tuple[Card, list[str]]:
    """The first run's card, with what any of the runs was adapted from or learned along."""
    cards = {i: Sampler(run.model, device="cpu").card for i, run in runs.items()}
    card, notes, seen = cards[first], list[str](), dict.fromkeys(cards[first].support_hashes)
    along = {h for other in cards.values() for h in other.base_hashes}
    for i, run in runs.items():
        if i == first:
            continue  # its bundle has to be there: it is measured by
        try:
            along |= find_bundle_of(cards[i], read_options(run))[0].learned()
        except BundleError as error:
            notes.append(f"{names[i]}: {error.fact} Images that it learned from may be tested on.")
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
