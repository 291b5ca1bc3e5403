"""Evaluate: are an adapted model's samples good, are they copies, do they help a classifier?"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from l2laug.artifacts.bundle import Bundle, find_bundle
from l2laug.artifacts.model_card import Card
from l2laug.artifacts.run import Run
from l2laug.classification.run import classify
from l2laug.classification.study import SWEEP, Study, usual_steps
from l2laug.core.errors import BundleError
from l2laug.core.files import write_text
from l2laug.core.progress import Progress
from l2laug.evaluation.real_images import read_real
from l2laug.evaluation.samples import measure_samples, read_samples
from l2laug.evaluation.scores import Measure
from l2laug.features.registry import find_extractor
from l2laug.reports.figures import gather
from l2laug.reports.html import curves_of, render_html
from l2laug.reports.markdown import render
from l2laug.sampling.sampler import Sampler

SCHEMA = 3


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
        classifier: outcomes and verdict, where a classifier was asked for.
        paths: the report and what it speaks of.
    """

    class_name: str
    counts: dict[str, int]
    scores: dict[str, float]
    measures: dict[str, Measure]
    extractor: dict[str, str]
    notes: list[str]
    classifier: dict[str, Any] | None = None
    paths: dict[str, str] = field(default_factory=dict)
    schema: int = SCHEMA


def evaluate(
    run: Run,
    *,
    samples: Path | None = None,
    dataset: Path | None = None,
    test: Path | None = None,
    features: str = "bundle",
    lpips: Path | None = None,
    classifier: bool = False,
    model: str = Study.model,
    seeds: int = Study.seeds,
    steps: int | None = None,
    sweep: bool = False,
    seed: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
) -> Evaluation:
    """Score a run's samples and write ``report.json``, ``.md`` and ``.html`` into its folder.

    Args:
        run: the adapted model.
        samples: folder that ``sample`` wrote; the run's own by default.
        dataset: class folders of real images to train with; the rare folder's siblings by default.
        test: class folders of real images to test on; else three in ten of the base classes'
            and what the rare folder holds beside the support set.
        features: what to measure on: ``bundle``, ``timm:NAME@PATH``, ``timm:NAME``,
            ``inception@PATH`` or ``inception``.
        lpips: weights of AlexNet, to measure perceptual diversity too.
        classifier: train classifiers without and with the samples.
        model: ``small`` or a timm model's name.
        seeds: trainings of each kind.
        steps: of each training; as many as the classes take by default.
        sweep: train with other shares of samples too, to see how many to add.
        seed: of the splits.
        device: for the classifiers and timm's features.
        progress: where to show how far it is.

    Raises:
        UsageError: no samples, or no images to test on.
        ImageError: images can't be read.
        BundleError: the bundle or the weights of ``features`` are gone or do not fit.
    """
    progress = progress or Progress(quiet=True)
    sampler = Sampler(run.model, device="cpu")
    card = sampler.card
    options = read_options(run)
    bundle = find_bundle_of(card, options)
    drawn = read_samples(samples or run.samples, card, progress)
    real = read_real(card, options, dataset, test, seed, classifier, progress)
    extractor = find_extractor(features, bundle, device)
    sheet = run.folder / "copies.png"
    measures, notes, copies = measure_samples(drawn, real, extractor, seed, sheet, lpips, device)
    study = None
    if classifier:
        setting = Study(
            model=model,
            steps=steps or usual_steps(len(real.train.classes)),
            seeds=seeds,
            sweep=SWEEP if sweep else (),
        )
        study = classify(
            card.class_name, drawn, real.train, real.test, setting, run.folder, device, progress
        )
        notes += study["notes"]
    result = Evaluation(
        class_name=card.class_name,
        counts={
            "samples": len(drawn),
            "support": len(real.support),
            "real_held_out": len(real.others),
            "train": len(real.train.pixels),
            "test": len(real.test.pixels),
        },
        scores={name: m.value for name, m in measures.items()},
        measures=measures,
        extractor={
            "name": extractor.name,
            "sha256": extractor.digest,
            "resizing": extractor.resizing,
        },
        notes=notes,
        classifier=study,
        paths={
            "report": str(run.folder / "report.md"),
            "page": str(run.folder / "report.html"),
            "samples": str(samples or run.samples),
            "sheet": str(run.folder / "sheet.png"),
            **({"copies": str(sheet)} if "copies" in measures else {}),
        },
    )
    plain = asdict(result)
    write_text(run.folder / "report.json", json.dumps(plain, indent=1, ensure_ascii=False) + "\n")
    write_text(run.folder / "report.md", render(plain))
    pictures = gather(card.class_name, sampler, drawn, real.support, real.others, copies, seed)
    page = render_html(plain, pictures, curves_of(plain, options))
    write_text(run.folder / "report.html", page)
    return result


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
        if not isinstance(options["bundle"], dict):
            raise TypeError("no bundle in it")
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise BundleError(f"{path} is damaged.", "Adapt again.") from error
    return dict(options)


def find_bundle_of(card: Card, options: dict[str, Any]) -> Bundle:
    """The bundle that a model grew from, by the path in its options or by its name.

    Raises:
        BundleError: it is gone.
    """
    place = options.get("bundle", {}).get("path", "")
    for name in (place, card.bundle):
        try:
            return find_bundle(name)
        except BundleError:
            continue
    raise BundleError(
        f"Bundle {card.bundle}, which scores are measured with, can't be found.",
        f"Put it back at {place}." if place else "Install it again.",
    )
