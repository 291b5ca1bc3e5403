"""Evaluate: are an adapted model's samples good, are they copies, do they help a classifier?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import yaml

from l2laug.artifacts.bundle import Bundle, find_bundle
from l2laug.artifacts.model_card import Card
from l2laug.artifacts.names import METRICS
from l2laug.artifacts.run import Run
from l2laug.classification.run import classify
from l2laug.classification.study import MOST_SAMPLES, Study, StudyData, usual_steps
from l2laug.config.evaluation_options import BUNDLE, EvaluationOptions
from l2laug.core.errors import BundleError
from l2laug.core.files import write_text
from l2laug.core.locks import alone_in
from l2laug.data.image_set import read_again, read_again_files
from l2laug.evaluation.leakage.report import NearIdentical
from l2laug.evaluation.real_images import Real, read_real
from l2laug.evaluation.samples import Samples, measure_samples, read_samples
from l2laug.evaluation.scores import Measure
from l2laug.features.extractor import Extractor
from l2laug.features.registry import find_extractor
from l2laug.reports.figures import gather
from l2laug.reports.html import curves_of, render_html
from l2laug.reports.markdown import render
from l2laug.reports.training_curves import training_curves
from l2laug.runtime.session import Session
from l2laug.sampling.sampler import Sampler

if TYPE_CHECKING:
    from l2laug.classification.heads.probe import Embedding

SCHEMA = 4


@dataclass(frozen=True)
class Evaluation:
    """A report as plain data.

    Attributes:
        class_name: the rare class.
        counts: images of each kind that went in.
        scores: numbers of the samples by name.
        measures: for each of the scores all that it takes to believe it, see ``Measure``.
        extractor: name and SHA-256 of what the features come from, and how it resizes images.
        notes: what the reader should know of the numbers.
        near_identical: real images that are near-identical to another one, and where both stand.
        verdicts: what each kind of classifier says of the samples, see ``summarise``; empty where
            none was asked for.
        paths: the report and what it speaks of.
    """

    class_name: str
    counts: dict[str, int]
    scores: dict[str, float]
    measures: dict[str, Measure]
    extractor: dict[str, str]
    notes: list[str]
    near_identical: Sequence[NearIdentical] = ()
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    paths: dict[str, str] = field(default_factory=dict)
    schema: int = SCHEMA


def evaluate(run: Run, options: EvaluationOptions, session: Session) -> Evaluation:
    """Score a run's samples and write ``report.json``, ``.md`` and ``.html`` into its folder.

    Args:
        run: the adapted model.
        options: what to compare the samples with, what to measure.
        session: for the classifiers and timm's features; its seed is that of the splits.

    Raises:
        UsageError: no samples, or no images to test on.
        ImageError: images can't be read.
        BundleError: the bundle is gone or another one, or the weights of ``features`` are gone or
            do not fit.
        OutputError: another process is writing into the run's folder, or it can't be written.
    """
    with alone_in(run.folder):
        return _evaluate(run, options, session)


def _evaluate(run: Run, options: EvaluationOptions, session: Session) -> Evaluation:
    sampler = Sampler(run.model, device="cpu")
    about = read_options(run)
    bundle, notes = find_bundle_of(sampler.card, about, options.features)
    card = with_learned(sampler.card, bundle)
    samples = options.samples or run.samples
    drawn = read_samples(samples, card, session.progress)
    real = read_images(card, about, options, session)
    extractor = find_extractor(options.features, bundle, session.device)
    sheet = None if options.private else run.folder / "copies.png"
    if options.private:
        (run.folder / "copies.png").unlink(missing_ok=True)  # of an evaluation before
    measures, said, copies = measure_samples(
        drawn, real, extractor, session.seed, sheet, options.lpips, session.device
    )
    verdicts = train_classifiers(card.class_name, drawn, real, options, run, session)
    notes += [*real.notes, *said, *notes_of(verdicts), *untested(card, real)]
    result = Evaluation(
        class_name=card.class_name,
        counts={"samples": len(drawn), **count_real(real)},
        scores={name: m.value for name, m in measures.items()},
        measures=measures,
        extractor=describe_extractor(extractor),
        notes=notes,
        near_identical=real.near_identical,
        verdicts=verdicts,
        paths={
            "report": str(run.folder / "report.md"),
            "page": str(run.folder / "report.html"),
            "samples": str(samples),
            "sheet": str(run.folder / "sheet.png"),
            **({"copies": str(sheet)} if sheet and "copies" in measures else {}),
        },
    )
    plain = asdict(result)
    write_text(run.folder / "report.json", json.dumps(plain, indent=1, ensure_ascii=False) + "\n")
    write_text(run.folder / "report.md", render(plain))
    shown = drawn, real.support, real.others, copies, session.seed
    pictures = gather(card.class_name, sampler, *shown, private=options.private)
    curves = [*curves_of(about), *training_curves(run.folder / METRICS)]
    write_text(run.folder / "report.html", render_html(plain, pictures, curves))
    return result


def read_images(
    card: Card, about: dict[str, Any], options: EvaluationOptions, session: Session
) -> Real:
    """The real images that ``options`` ask for; see ``read_real``."""
    return read_real(
        card,
        about,
        options.dataset,
        options.test,
        session.seed,
        options.classifier,
        session.progress,
        options.groups,
    )


def train_classifiers(
    rare: str,
    drawn: Samples,
    real: Real,
    options: EvaluationOptions,
    run: Run,
    session: Session,
    embedding: Embedding | None = None,
) -> list[dict[str, Any]]:
    """Train classifiers without and with samples, if they were asked for; see ``classify``."""
    if not options.classifier:
        return []
    study = Study(
        heads=options.heads,
        arms=options.arms,
        flips=options.flips,
        steps=options.steps or usual_steps(len(real.train.classes)),
        seeds=options.seeds,
        seed=session.seed,
    )
    data = study_data(rare, real, drawn.some(min(len(drawn), MOST_SAMPLES), session.seed))
    return classify(data, study, session, run.folder, embedding)


def study_data(rare: str, real: Real, drawn: Samples) -> StudyData:
    """The images of a study; a head that wants them larger gets them from their files."""

    def larger(side: int, channels: int) -> StudyData:
        train, test = (read_again(part, side, channels) for part in (real.train, real.test))
        return StudyData(train, test, rare, read_again_files(drawn.files, side, channels))

    known = bool(drawn.files) and len(real.train.paths) == len(real.train.labels)
    again = larger if known else None
    return StudyData(real.train, real.test, rare, drawn.kept, again, real.train_units)


def notes_of(verdicts: Sequence[Mapping[str, Any]]) -> list[str]:
    """The notes of all verdicts, none twice."""
    return list(dict.fromkeys(note for entry in verdicts for note in entry["notes"]))


def count_real(real: Real) -> dict[str, int]:
    """How many real images of each kind went in."""
    return {
        "support": len(real.support),
        "real_held_out": len(real.others),
        "train": len(real.train.pixels),
        "test": len(real.test.pixels),
    }


def describe_extractor(extractor: Extractor) -> dict[str, str]:
    """Name and SHA-256 of what features come from, and how it resizes images."""
    return {
        "name": extractor.name,
        "sha256": extractor.digest,
        "resizing": extractor.resizing,
    }


def with_learned(card: Card, bundle: Bundle) -> Card:
    """The card with the images that its bundle was trained on among those that adapt has seen."""
    return replace(card, base_hashes=tuple(sorted({*card.base_hashes, *bundle.learned()})))


def untested(card: Card, real: Real) -> list[str]:
    """A note on base classes that nothing can be tested on, the generator having seen it all."""
    tested = {real.test.classes[label] for label in real.test.labels}
    missing = [c for c in real.train.classes if c not in tested and c != card.class_name]
    if not card.base_hashes or not missing:
        return []
    return [
        f"Of {len(missing)} of {len(real.train.classes) - 1} other classes no image is tested on: "
        "the generator learned from all of them. Give others with --test."
    ]


def read_options(run: Run) -> dict[str, Any]:
    """``options.yaml`` of a run, empty if a model is evaluated outside its run folder.

    Raises:
        BundleError: it is damaged.
    """
    path = run.folder / "options.yaml"
    if not path.is_file():
        return {}
    try:
        options = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(options["bundle"].get("path", ""), str):
            raise TypeError("no bundle in it")
        if not all(isinstance(image, str) for image in options.get("images") or []):
            raise TypeError("no images in it")
    except (
        yaml.YAMLError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise BundleError(f"{path} is damaged.", "Adapt again.") from error
    return dict(options)


def find_bundle_of(
    card: Card, options: dict[str, Any], features: str = BUNDLE
) -> tuple[Bundle, list[str]]:
    """The bundle that a model grew from, by the path in its options or by its name.

    Args:
        card: of the model.
        options: of its run.
        features: what is measured on. By another net than the bundle's, another bundle of that name
            or place does.

    Returns:
        The bundle, and a note if it is another one.

    Raises:
        BundleError: it is gone, or another one is in its place.
    """
    place, other = options.get("bundle", {}).get("path", ""), None
    for name in filter(None, (place, card.bundle)):
        with suppress(BundleError):
            found = find_bundle(name)
            if found.digest == card.bundle_hash:
                return found, []
            other = other or found
    if other is None:
        raise BundleError(
            f"Bundle {card.bundle}, which scores are measured with, can't be found.",
            f"Put it back at {place}." if place else "Install it again.",
        )
    fact = f"Bundle {other.path} is not the one that the model was adapted from: it has changed."
    if features == BUNDLE:
        raise BundleError(
            fact,
            "Put that one back, adapt again, or measure by another net with --features "
            "timm:NAME or inception.",
        )
    return other, [f"{fact} Images that the former one learned from may be tested on."]
