"""Score a bundle on the classes it held out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2laug import __version__
from l2laug.artifacts.bundle import Bundle, find_bundle
from l2laug.config.load import parse_recipe
from l2laug.config.recipe import Recipe
from l2laug.core.errors import ImageError
from l2laug.core.files import own_folder, write_text
from l2laug.core.hashing import array_hash, key_of
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.data.public_sources import source_folder
from l2laug.evaluation.bundles.held_out import BESIDE, score_methods, split_unseen
from l2laug.evaluation.bundles.held_out_scores import HeldOutScores, KeptScores
from l2laug.evaluation.bundles.methods import build_methods
from l2laug.evaluation.reference_classifier import ReferenceClassifier, train_reference_classifier
from l2laug.features.extractor import bundle_extractor
from l2laug.reports.tables import score_table
from l2laug.runtime.session import Session


@dataclass(frozen=True)
class ScoreOptions:
    """How a bundle is scored on the classes that it held out.

    Attributes:
        recipe: in place of the bundle's own.
        classes: how many of the held-out classes, the last ones.
        shots: images of each class that are shown.
        seeds: repetitions, with other support images and other latents.
        first: take the first of the held-out classes, left for choosing settings on, in place of
            the last.
        singly: adapt each class on its own, as ``adapt`` does, in place of all in one model.
        reference_classifier: train one of all classes first, on all images but the baseline's, and
            measure with its features in place of the bundle's.
        few_shot: see whether a classifier of the held-out classes gets better by the images.
        out: a folder in it, of these options and images alone, keeps the reference
            classifier, the scores of each seed and ``scores.md``; ``None`` keeps nothing.
    """

    recipe: Recipe | None = None
    classes: int = 100
    shots: int = 5
    seeds: int = 3
    first: bool = False
    singly: bool = False
    reference_classifier: bool = False
    few_shot: bool = False
    out: Path | None = None


@dataclass(frozen=True)
class _Setting:
    """What all seeds share."""

    bundle: Bundle
    recipe: Recipe
    options: ScoreOptions
    session: Session
    folders: dict[str, list[Path]]
    unseen: ImageSet


def score(
    bundle: str, source: Path, options: ScoreOptions, session: Session
) -> dict[str, list[HeldOutScores]]:
    """Score a bundle on the last of the classes it held out, once for each seed.

    Those with fewer than ``shots`` and :data:`BESIDE` images are left out. The same call goes on
    after a stop, and with more seeds does those alone.

    Args:
        bundle: name or path.
        source: the class folders it was trained from.
        options: on which classes, how often, by what.
        session: engine and progress; seeds are counted from 0.

    Returns:
        By method, a score for each seed.

    Raises:
        ImageError: the held-out classes are not there or too few of them are large enough.
        OutputError: ``out`` can't be written, or another process keeps the same scores there.
    """
    setting = _prepare(find_bundle(bundle), source, options, session)
    about = _describe(setting)
    if options.out is None:
        return _score(setting, None)
    folder = options.out / f"{setting.bundle.name}-{key_of(about)[:12]}"
    with own_folder(folder):
        write_text(folder / "about.json", json.dumps(about, indent=1, ensure_ascii=False) + "\n")
        results = _score(setting, folder)
        write_text(folder / "scores.md", score_table(results) + "\n")
    session.progress.say(f"scores kept in {folder}")
    return results


def _score(setting: _Setting, folder: Path | None) -> dict[str, list[HeldOutScores]]:
    """Score each seed, or read what it scored before."""
    options, session = setting.options, setting.session
    classifier = _reference_classifier(setting, folder) if options.reference_classifier else None
    results: dict[str, list[HeldOutScores]] = {}
    kept = KeptScores(folder)
    for seed in range(options.seeds):
        one = kept.find(f"seed-{seed}")
        if one is None:
            one = _score_seed(setting, seed, classifier)
            kept.keep(f"seed-{seed}", one)
        for name, value in one.items():
            results.setdefault(name, []).append(value)
        done = f"seed {seed} of {options.seeds} done"
        session.progress.say(f"{done}; so far:\n{score_table(results)}")
    return results


def _prepare(bundle: Bundle, source: Path, options: ScoreOptions, session: Session) -> _Setting:
    """Find the held-out classes and read them."""
    own = parse_recipe(bundle.info["recipe"], f"of bundle {bundle.name}")
    held_out = [str(n) for n in bundle.info["source"]["held_out"]]
    root = source_folder(source)
    folders = _with_held_out(class_folders(root, several=True), bundle, root)
    if missing := [n for n in held_out if n not in folders]:
        raise ImageError(
            f"{source} lacks {len(missing)} classes that the bundle held out ({missing[0]} ...).",
            "Give the class folders that it was trained from.",
        )
    smallest = options.shots + BESIDE
    large = [n for n in held_out if len(folders[n]) >= smallest]
    if not large:
        raise ImageError(f"No held-out class has {smallest} images or more.", "Use fewer --shots.")
    names = large[: options.classes] if options.first else large[-options.classes :]
    if options.reference_classifier and len(names) < 2:
        raise ImageError(
            f"--reference-classifier takes two held-out classes of {smallest} images or more; "
            f"here is {names[0]} alone.",
            "Leave it out, use fewer --shots, or score a bundle that held out more classes.",
        )
    session.progress.say(
        f"{len(names)} of {len(held_out)} held-out classes, of {smallest} images up"
    )
    unseen = read_classes({n: folders[n] for n in names}, bundle.size, bundle.channels)
    return _Setting(bundle, options.recipe or own, options, session, folders, unseen)


def _describe(setting: _Setting) -> dict[str, object]:
    """All that the scores depend on."""
    options = setting.options
    return {
        "version": __version__,
        "bundle": setting.bundle.digest,
        "recipe": setting.recipe.model_dump(mode="json"),
        "shots": options.shots,
        "singly": options.singly,
        "reference_classifier": options.reference_classifier,
        "few_shot": options.few_shot,
        "files": {name: [file.name for file in files] for name, files in setting.folders.items()},
        "held_out": array_hash(setting.unseen.pixels),
    }


def _reference_classifier(setting: _Setting, folder: Path | None) -> ReferenceClassifier:
    """One that learned from all images but those that the baseline is made of."""
    everything = read_classes(setting.folders, setting.bundle.size, setting.bundle.channels)
    new = set(split_unseen(setting.unseen, setting.options.shots, 0).baseline.paths)
    known = [row for row, path in enumerate(everything.paths) if path not in new]
    keep = folder and folder / "reference-classifier.safetensors"
    session = setting.session
    images = everything.take(np.array(known))
    return train_reference_classifier(images, session.engine, session.progress, keep)


def _score_seed(
    setting: _Setting, seed: int, classifier: ReferenceClassifier | None
) -> dict[str, HeldOutScores]:
    """Build every method on one choice of support images, and score it."""
    options, session = setting.options, setting.session
    split = split_unseen(setting.unseen, options.shots, seed)
    methods = build_methods(
        split.support,
        setting.bundle,
        setting.recipe,
        session.engine,
        session.progress,
        seed,
        singly=options.singly,
    )
    return score_methods(
        methods,
        split,
        classifier or bundle_extractor(setting.bundle),
        session.engine,
        seed=seed,
        reference_classifier=classifier,
        few_shot=options.few_shot,
    )


def _with_held_out(
    folders: dict[str, list[Path]], bundle: Bundle, root: Path
) -> dict[str, list[Path]]:
    """The class folders and, of a bundle whose classes are parts of them, those it held out."""
    parts: dict[str, list[str]] = bundle.info["source"].get("held_out_images", {})
    if not parts:
        return folders
    there = {file for files in folders.values() for file in files}
    held_out = {
        name: [root / file for file in files if root / file in there]
        for name, files in parts.items()
    }
    taken = {file for files in held_out.values() for file in files}
    left = {name: [f for f in files if f not in taken] for name, files in folders.items()}
    return {name: files for name, files in (left | held_out).items() if files}
