"""Pretrain: class folders of base classes to a bundle that rare ones can be adapted from."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2laug import __version__
from l2laug.artifacts.bundle import Bundle, find_bundle, open_bundle, write_learned
from l2laug.artifacts.bundle_folder import WORK, claim_bundle, finish_bundle, keep_settings
from l2laug.artifacts.names import CENTROIDS, METRICS
from l2laug.artifacts.training_log import TrainingLog
from l2laug.commands.pretrain_change import pretrain_change
from l2laug.config.recipe import Recipe
from l2laug.core.errors import UsageError
from l2laug.core.progress import Progress
from l2laug.data.base_classes import base_hashes, source_classes
from l2laug.data.class_augmentation import with_class_augmentation
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.data.public_sources import source_folder
from l2laug.data.split_classes import split_classes
from l2laug.evaluation.bundles.domain_distance import save_centroids
from l2laug.features.extractor import Extractor, extractor_at
from l2laug.features.general import load_general_net
from l2laug.metrics.diversity import mean_diversity
from l2laug.nn.gem import build_gems
from l2laug.nn.onnx_export import export_features
from l2laug.nn.prototype_classifier import PrototypeClassifier, load_prototype_classifier
from l2laug.nn.weights import save_weights
from l2laug.runtime.processes import Processes
from l2laug.runtime.session import Session
from l2laug.training.feature_net import train_features
from l2laug.training.gan_step import GanTrainer
from l2laug.training.gems import train_gems
from l2laug.training.pairs import PairSampler
from l2laug.training.source import draw_sheet, train_strong, train_weak


@dataclass(frozen=True)
class PretrainOptions:
    """How a bundle is trained.

    Attributes:
        recipe: every choice of the training.
        start: name or path of a bundle whose strong generator and critic to go on from, in place
            of random weights.
        resume: go on with a training that was cut off.
        overwrite: replace a bundle that is there.
        leave_out: a folder in the source not to learn from: the rare class, or several.
    """

    recipe: Recipe
    start: str | None = None
    resume: bool = False
    overwrite: bool = False
    leave_out: Path | None = None


@dataclass(frozen=True)
class Pretrained:
    """A new bundle and how long the training of its parts took in this run, in seconds.

    ``main`` is whether this is the process to tell of it, one of several that trained it.
    """

    bundle: Bundle
    seconds: float
    main: bool = True


@dataclass(frozen=True)
class _Training:
    """One training of a bundle: what it learns, from where, and its unfinished folder."""

    recipe: Recipe
    session: Session
    work: Path
    initial: Bundle | None
    known: ImageSet
    unseen: ImageSet


def pretrain(source: Path, out: Path, options: PretrainOptions, session: Session) -> Pretrained:
    """Train phi_s1, phi_s2, the GEMs and the feature net, and write them as a bundle.

    Everything unfinished lies in a hidden folder of ``out`` until the bundle is complete;
    ``resume`` goes on from there.

    Started by `torchrun` or `accelerate launch`, all processes train phi_s1 together, each with the
    recipe's batch, and see the same folders; the rest, a small part, is the first one's work. Each
    has a session of :meth:`Processes.start`.

    Args:
        source: class folders.
        out: the bundle folder.
        options: how to train it.
        session: engine, progress and seed.

    Raises:
        ImageError: too few classes or images.
        OutputError: a bundle is there already, or an unfinished one and no ``resume``.
        BundleError: ``start`` is missing, damaged or of other networks than the recipe's.
        UsageError: several processes were started for a recipe that one trains.
    """
    began = time.monotonic()
    processes = Processes(cpu=session.engine.device.type == "cpu")
    initial = None if options.start is None else find_bundle(options.start)
    if options.recipe.change is not None and processes.count > 1:
        raise UsageError(
            f"Recipe {options.recipe.name} trains in one process, {processes.count} were started.",
            "Run l2laug pretrain by itself.",
        )
    with processes.main_first():  # what is fetched once, the others find
        folders = source_classes(source, options.leave_out)
        if processes.main:
            _begin(out, options, session.seed, initial, folders)
    images = _read(folders, options.recipe, session.progress)
    known, unseen = split_classes(images, options.recipe.data)
    learned = base_hashes(known)
    known = with_class_augmentation(known, options.recipe.data.class_augmentation)
    session.progress.say(
        f"{len(known.classes)} source classes with {len(known.pixels)} images, "
        f"{len(unseen.classes)} held out; {session.engine.describe()}"
    )
    if options.recipe.change is not None:
        work = out / WORK
        bundle = pretrain_change(out, work, options.recipe, (known, unseen), session, initial)
        return Pretrained(bundle, time.monotonic() - began)
    training = _Training(options.recipe, session, out / WORK, initial, known, unseen)
    with processes.main_first():
        _train_feature_net(training)
        classifier = _prototype_classifier(training)
    strong = train_strong(
        known,
        unseen,
        options.recipe,
        session,
        training.work,
        classifier=classifier,
        start=initial,
        processes=processes,
    )
    if not processes.main:
        processes.wait()
        return Pretrained(open_bundle(out), time.monotonic() - began, main=False)
    losses = _train_weak_and_gems(training, strong)
    write_learned(training.work, learned, initial)
    info = {"name": out.resolve().name, **_describe(training, processes.count)}
    info |= {"source": _describe_source(training, classifier, source), "gem_losses": losses}
    bundle = finish_bundle(out, training.work, info)
    processes.wait()
    return Pretrained(bundle, time.monotonic() - began)


def _begin(
    out: Path,
    options: PretrainOptions,
    seed: int,
    initial: Bundle | None,
    folders: dict[str, list[Path]],
) -> None:
    """Claim the bundle's folder, and remember how its training was begun."""
    claim_bundle(out, resume=options.resume, overwrite=options.overwrite)
    settings = {
        "recipe": options.recipe.model_dump(mode="json"),
        "seed": seed,
        "start": initial and initial.digest,
        "images": {name: len(files) for name, files in sorted(folders.items())},
    }
    keep_settings(out / WORK, settings)


def _read(folders: dict[str, list[Path]], recipe: Recipe, progress: Progress) -> ImageSet:
    """All images at the recipe's size; those that can't be read are named."""
    size, channels = recipe.generator.size, recipe.generator.channels
    with progress.task("reading", sum(map(len, folders.values()))) as advance:
        images = read_classes(folders, size, channels, advance)
    for path, reason in images.skipped:
        progress.say(f"note: left out {path}: {reason}")
    return images


def _train_feature_net(training: _Training) -> None:
    """The net that images are scored with, unless it was finished before."""
    path, recipe, session = training.work / "features.onnx", training.recipe, training.session
    if not path.exists():
        log = TrainingLog(training.work / METRICS)
        net = train_features(training.known, recipe.features, session, log=log)
        export_features(net, recipe.generator.size, recipe.generator.channels, path)


def _prototype_classifier(training: _Training) -> PrototypeClassifier:
    """The prototype classifier of source training: another feature net than the one that scores."""
    path = training.work / "prototype_classifier.safetensors"
    known, recipe, session = training.known, training.recipe, training.session
    if not path.exists():
        net = train_features(
            known,
            recipe.features,
            session.seeded(session.seed + 1),
            name="prototype_classifier",
            log=TrainingLog(training.work / METRICS),
        )
        save_weights(PrototypeClassifier(net, len(known.classes)).learn(known), path)
    return load_prototype_classifier(path, recipe, len(known.classes))


def _train_weak_and_gems(training: _Training, strong: GanTrainer) -> dict[str, list[float]]:
    """Train phi_s2 and the GEMs, and save all networks; each GEM's loss before and after."""
    recipe, session, work = training.recipe, training.session, training.work
    save_weights(strong.average, work / "strong.safetensors")
    save_weights(strong.critic, work / "critic.safetensors")
    torch.manual_seed(session.seed)  # so that a resumed training starts the GEMs alike
    gems = build_gems(recipe.gems, recipe.generator)
    losses: dict[str, list[float]] = {}
    log = TrainingLog(work / METRICS)
    for turn, weak in enumerate(train_weak(training.known, strong, recipe, session, log)):
        save_weights(weak, work / "weak.safetensors")
        again = session.seeded(session.seed + turn)
        pairs = PairSampler(training.known, session.engine.device, again.seed)
        found = train_gems(gems, strong.average, weak, pairs, recipe.gems, again, log, turn=turn)
        for name, ends in found.items():
            losses.setdefault(name, [ends[0]])[1:] = [ends[1]]
    save_weights(gems, work / "gems.safetensors")
    draw_sheet(strong.average, training.unseen, session.engine, work / "sheet.png")
    return losses


def _describe(training: _Training, processes: int) -> dict[str, Any]:
    """What a bundle says of how it was trained."""
    recipe, session, initial = training.recipe, training.session, training.initial
    return {
        "description": recipe.description,
        "version": __version__,
        "seed": session.seed,
        "device": session.engine.describe(),
        "processes": processes,
        "recipe": recipe.model_dump(mode="json"),
        "start": None if initial is None else {"name": initial.name, "sha256": initial.digest},
    }


def _describe_source(
    training: _Training, classifier: PrototypeClassifier, source: Path
) -> dict[str, Any]:
    """What a bundle says of its source; centroids of its images go into a file."""
    work, known, unseen = training.work, training.known, training.unseen
    extractor: Extractor = extractor_at(work / "features.onnx", "feature net", "")
    about: dict[str, Any] = {
        "classes": len(known.classes),
        "images": len(known.pixels),
        "held_out": list(unseen.classes),
        "similarity": classifier.usual_similarity(unseen),
        "diversity": mean_diversity(extractor(unseen.pixels), unseen.labels),
        "general": save_centroids(
            known.pixels, unseen.pixels, load_general_net(), work / CENTROIDS
        ),
    }
    if training.recipe.data.pseudo_classes > 1:
        about |= _held_out_images(unseen, source_folder(source))
    return about


def _held_out_images(unseen: ImageSet, folder: Path) -> dict[str, Any]:
    """By class, which images these are; that of parts the folders' names do not tell."""
    rows = [np.flatnonzero(unseen.labels == label) for label in range(len(unseen.classes))]
    files = [[unseen.paths[r].relative_to(folder).as_posix() for r in part] for part in rows]
    return {"held_out_images": dict(zip(unseen.classes, files, strict=True))}
