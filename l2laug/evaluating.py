"""Evaluate: are an adapted model's samples good, are they copies, do they help a classifier?"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from l2laug.bundles import Bundle, find_bundle
from l2laug.card import Card
from l2laug.errors import BundleError, ImageError, UsageError
from l2laug.files import write_text
from l2laug.images import ImageSet, Pixels, class_folders, pixel_hash, read_classes
from l2laug.progress import Progress
from l2laug.runs import Run
from l2laug.sampling import Sampler
from l2laug.scoring.copies import find_copies
from l2laug.scoring.diversity import spread
from l2laug.scoring.features import Extractor, bundle_extractor
from l2laug.scoring.fid import frechet_distance
from l2laug.scoring.report import render

SCHEMA = 1
TEST_SHARE = 0.3


@dataclass(frozen=True)
class Evaluation:
    """A report as plain data.

    Attributes:
        class_name: the rare class.
        counts: images of each kind that went in.
        scores: numbers by name.
        extractor: name and SHA-256 of what the features come from.
        notes: what the reader should know of the numbers.
        classifier: outcomes and verdict, where a classifier was asked for.
        paths: the report and what it speaks of.
    """

    class_name: str
    counts: dict[str, int]
    scores: dict[str, float]
    extractor: dict[str, str]
    notes: list[str]
    classifier: dict[str, Any] | None = None
    paths: dict[str, str] = field(default_factory=dict)
    schema: int = SCHEMA


@dataclass(frozen=True)
class _Real:
    """The real images: of the rare class those adapt saw and others, and all to train or test."""

    support: Pixels
    others: Pixels
    train: ImageSet
    test: ImageSet


def evaluate(
    run: Run,
    *,
    samples: Path | None = None,
    dataset: Path | None = None,
    test: Path | None = None,
    classifier: bool = False,
    model: str = "resnet18",
    seeds: int = 3,
    seed: int = 0,
    device: str = "auto",
    progress: Progress | None = None,
) -> Evaluation:
    """Score a run's samples and write ``report.json`` and ``report.md`` into its folder.

    Args:
        run: the adapted model.
        samples: folder that ``sample`` wrote; the run's own by default.
        dataset: class folders of real images to train with; the rare folder's siblings by default.
        test: class folders of real images to test on; else three in ten of the common classes'
            and what the rare folder holds beside the support set.
        classifier: train classifiers without and with the samples.
        model: a timm model's name.
        seeds: trainings of each kind.
        seed: of the split.
        device: for the classifiers.
        progress: where to show how far it is.

    Raises:
        UsageError: no samples, or no images to test on.
        ImageError: images can't be read.
    """
    progress = progress or Progress(quiet=True)
    card = Sampler(run.model, device="cpu").card
    options = read_options(run)
    bundle = find_bundle_of(card, options)
    drawn = _read_samples(samples or run.samples, card)
    real = _read_real(card, options, dataset, test, seed, classifier, progress)
    extractor = bundle_extractor(bundle)
    scores, notes = _score(drawn, real, extractor)
    study = None
    if classifier:
        study = _classify(card, drawn, real, model, seeds, device, progress)
    result = Evaluation(
        class_name=card.class_name,
        counts={
            "samples": len(drawn),
            "support": len(real.support),
            "real_kept_back": len(real.others),
            "train": len(real.train.pixels),
            "test": len(real.test.pixels),
        },
        scores=scores,
        extractor={"name": extractor.name, "sha256": extractor.digest},
        notes=notes,
        classifier=study,
        paths={
            "report": str(run.folder / "report.md"),
            "samples": str(samples or run.samples),
            "sheet": str(run.folder / "sheet.png"),
        },
    )
    plain = asdict(result)
    write_text(run.folder / "report.json", json.dumps(plain, indent=1, ensure_ascii=False) + "\n")
    write_text(run.folder / "report.md", render(plain))
    return result


def read_options(run: Run) -> dict[str, Any]:
    """``options.yaml`` of a run, empty if a model is evaluated outside its run folder."""
    path = run.folder / "options.yaml"
    if not path.is_file():
        return {}
    options = yaml.safe_load(path.read_text(encoding="utf-8"))
    return options if isinstance(options, dict) else {}


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


def _read_samples(folder: Path, card: Card) -> Pixels:
    if not folder.is_dir():
        raise UsageError(f"No samples at {folder}.", "Draw some first: l2laug sample -n 1000")
    classes = class_folders(folder)
    files = classes.get(card.class_name) or [p for paths in classes.values() for p in paths]
    return read_classes({card.class_name: files}, card.size, card.channels).pixels


def _read_real(
    card: Card,
    options: dict[str, Any],
    dataset: Path | None,
    test: Path | None,
    seed: int,
    classifier: bool,
    progress: Progress,
) -> _Real:
    rare, known = card.class_name, set(card.support_hashes)
    root = dataset or _siblings(options)
    folders = class_folders(root)
    if rare not in folders:
        raise UsageError(
            f"{root} has no class folder {rare}.", "Name the folder of all classes with --dataset."
        )
    everything = read_classes(folders, card.size, card.channels)
    for path, reason in everything.skipped:
        progress.say(f"note: left out {path}: {reason}")
    hashes = np.array([pixel_hash(p) for p in everything.pixels])
    is_rare = everything.labels == everything.classes.index(rare)
    in_support = np.array([h in known for h in hashes])
    support = everything.pixels[is_rare & in_support]
    if not len(support):
        raise UsageError(
            f"{root} holds none of the images of {rare} that the model was adapted from.",
            "Name the folder that holds them with --dataset DIR.",
        )
    if test is not None:
        held = read_classes(class_folders(test), card.size, card.channels)
        seen = known.union(hashes[~is_rare])
        fresh = [i for i, p in enumerate(held.pixels) if pixel_hash(p) not in seen]
        test_set = held.take(np.array(fresh, dtype=np.int64))
        train_rows = np.flatnonzero(~is_rare | in_support)
    else:
        chosen = np.random.default_rng(seed).random(len(hashes)) < TEST_SHARE
        to_test = np.where(is_rare, ~in_support, chosen)
        # Pictures that appear twice must not stand on both sides.
        in_train = set(hashes[~to_test])
        fresh_rows = [i for i in np.flatnonzero(to_test) if hashes[i] not in in_train]
        test_set = everything.take(np.array(fresh_rows, dtype=np.int64))
        train_rows = np.flatnonzero(~to_test)
    train = everything.take(train_rows)
    rare_test = [c == rare for c in np.array(test_set.classes)[test_set.labels]]
    others = test_set.pixels[np.array(rare_test, dtype=bool)]
    if classifier and not len(others):
        raise UsageError(
            f"There is no real image of {rare} to test on that adapt did not see.",
            "Give class folders of kept-back images with --test DIR.",
        )
    if classifier and len(everything.classes) < 2:
        raise UsageError(
            f"{root} has one class only; a classifier needs others.",
            "Name a folder of class folders with --dataset DIR.",
        )
    if classifier and set(test_set.classes) != set(train.classes):
        odd = ", ".join(sorted(set(test_set.classes) ^ set(train.classes)))
        raise UsageError(f"--test and the training classes differ: {odd}.", "Make them agree.")
    return _Real(support, others, train, test_set)


def _siblings(options: dict[str, Any]) -> Path:
    folder = Path(str(options.get("folder", "")))
    if not options.get("folder") or not folder.is_dir():
        raise UsageError(
            "The folder that the model was adapted from is not there any more.",
            "Name the folder of all classes with --dataset DIR.",
        )
    return folder.parent


def _score(drawn: Pixels, real: _Real, extractor: Extractor) -> tuple[dict[str, float], list[str]]:
    scores: dict[str, float] = {}
    notes: list[str] = []
    against = real.others if len(real.others) >= 2 else real.support
    what = "kept-back real images" if against is real.others else "the support set itself"
    notes.append(f"Distances are measured against {len(against)} images: {what}.")
    theirs = extractor(drawn)
    if min(len(against), len(drawn)) >= 2:
        ours = extractor(against)
        scores["fid"] = frechet_distance(ours, theirs)
        scores["spread_samples"] = spread(theirs[:500])
        scores["spread_real"] = spread(ours[:500])
        if len(against) < ours.shape[1]:
            notes.append(
                f"FID of {len(against)} real images in {ours.shape[1]} dimensions is mostly bias: "
                "compare it only with another FID on the same real images."
            )
    try:
        copies = find_copies(drawn, real.support, real.others)
        scores["copies"] = copies.share
    except ImageError as error:
        notes.append(error.fact)
    return scores, notes


def _classify(
    card: Card,
    drawn: Pixels,
    real: _Real,
    model: str,
    seeds: int,
    device: str,
    progress: Progress,
) -> dict[str, Any]:
    from l2laug.nn.device import pick_engine
    from l2laug.scoring.classifier import Study, run_study
    from l2laug.scoring.verdict import judge

    study = Study(model=model, seeds=seeds)
    outcomes = run_study(
        real.train, real.test, card.class_name, drawn, study, pick_engine(device), progress
    )
    by_arm: dict[str, list[float]] = {}
    for outcome in outcomes:
        by_arm.setdefault(outcome.arm, []).append(outcome.rare_f1)
    verdict = judge(by_arm["classical"], by_arm["classical + l2laug"])
    return {
        "study": asdict(study),
        "outcomes": [asdict(o) for o in outcomes],
        "verdict": asdict(verdict),
        "verdict_on": "rare_f1, classical + l2laug over classical",
    }
