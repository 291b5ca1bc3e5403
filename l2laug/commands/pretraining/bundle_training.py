"""One training of a bundle: feature nets, the source generators or another method, its card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2laug import __version__
from l2laug.artifacts.bundle import Bundle, open_bundle, write_learned
from l2laug.artifacts.bundle_folder import (
    FILES,
    METHOD_FILES,
    finish_bundle,
)
from l2laug.artifacts.names import CENTROIDS, METRICS
from l2laug.artifacts.training_log import TrainingLog
from l2laug.config.methods import L2L
from l2laug.config.recipe import Recipe
from l2laug.data.image_set import ImageSet
from l2laug.data.public_sources import source_folder
from l2laug.evaluation.bundles.domain_distance import save_centroids
from l2laug.features.extractor import Extractor, extractor_at
from l2laug.features.general import load_general_net
from l2laug.methods.learning.source import CRITIC, GENERATOR, train_method
from l2laug.methods.registry import images_a_step
from l2laug.metrics.diversity import mean_diversity
from l2laug.nn.gem import build_gems
from l2laug.nn.onnx_export import export_features
from l2laug.nn.prototype_classifier import PrototypeClassifier, load_prototype_classifier
from l2laug.nn.weights import save_weights
from l2laug.runtime.processes import Processes
from l2laug.runtime.session import Session
from l2laug.training.feature_net import train_features
from l2laug.training.gan_step import GanTrainer
from l2laug.training.gems.episodes import Start
from l2laug.training.gems.fit import train_gems
from l2laug.training.gems.on_domains import train_on_domains
from l2laug.training.pairs import PairSampler
from l2laug.training.source import draw_sheet, train_strong, train_weak

EPISODES = "episodes"  # a folder of the unfinished training


@dataclass(frozen=True)
class Training:
    """One training of a bundle: what it learns, from where, and its unfinished folder.

    Attributes:
        recipe: every choice.
        session: engine, progress and seed.
        work: the unfinished folder.
        initial: a bundle to go on from.
        known: the source classes.
        unseen: the held-out ones.
        learned: hashes of the images that are learned from.
        about: what the bundle says of its source, if that is known; CENTROIDS is in ``work`` then.
    """

    recipe: Recipe
    session: Session
    work: Path
    initial: Bundle | None
    known: ImageSet
    unseen: ImageSet
    learned: tuple[str, ...]
    about: dict[str, Any] | None = None


def train_nets(training: Training, source: Path) -> dict[str, Any]:
    """Train the feature nets alone, for several bundles to share; what they say of their source."""
    _train_feature_net(training)
    return describe_source(training, _prototype_classifier(training), source)


def train_bundle(out: Path, training: Training, source: Path, processes: Processes) -> Bundle:
    """Train all networks of a bundle of generators, and write it, see :func:`pretrain`."""
    recipe, l2l = training.recipe, training.recipe.method == L2L
    with processes.main_first():
        _train_feature_net(training)
        classifier = _prototype_classifier(training)
    finish = (_train_l2l if l2l else _train_method)(training, classifier, processes)
    if not processes.main:
        processes.wait()
        return open_bundle(out)
    told = finish()
    write_learned(training.work, training.learned, training.initial)
    info = {"name": out.resolve().name, **_describe(training, processes.count)}
    about = training.about or describe_source(training, classifier, source)
    info |= {"source": about, "method": recipe.method, "images_a_step": images_a_step(recipe)}
    info |= told
    bundle = finish_bundle(out, training.work, info, FILES if l2l else METHOD_FILES)
    processes.wait()
    return bundle


def _train_feature_net(training: Training) -> None:
    """The net that images are scored with, unless it was finished before."""
    path, recipe, session = training.work / "features.onnx", training.recipe, training.session
    if not path.exists():
        log = TrainingLog(training.work / METRICS)
        net = train_features(training.known, recipe.features, session, log=log)
        export_features(net, recipe.generator.size, recipe.generator.channels, path)


def _prototype_classifier(training: Training) -> PrototypeClassifier:
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


def _train_l2l(
    training: Training, classifier: PrototypeClassifier, processes: Processes
) -> Callable[[], dict[str, Any]]:
    """Train phi_s1, by all processes; what trains the rest, by one, and tells of it."""
    strong = train_strong(
        training.known,
        training.unseen,
        training.recipe,
        training.session,
        training.work,
        classifier=classifier,
        start=training.initial,
        processes=processes,
    )
    return lambda: _train_weak_and_gems(training, strong, classifier)


def _train_method(
    training: Training, _: PrototypeClassifier, processes: Processes
) -> Callable[[], dict[str, Any]]:
    """Train a method other than l2l, by all processes; what keeps its networks, and tells of it."""
    work = training.work
    trainer = train_method(
        training.known,
        training.unseen,
        training.recipe,
        training.session,
        work,
        start=training.initial,
        processes=processes,
    )

    def keep() -> dict[str, Any]:
        save_weights(trainer.averaged, work / GENERATOR)
        save_weights(trainer.critic, work / CRITIC)
        draw_sheet(trainer.averaged, training.unseen, training.session.engine, work / "sheet.png")
        return {"steps": trainer.done}

    return keep


def _train_weak_and_gems(
    training: Training, strong: GanTrainer, classifier: PrototypeClassifier
) -> dict[str, Any]:
    """Train phi_s2 and the GEMs, and save all networks; what the bundle says of the GEMs."""
    recipe, session, work = training.recipe, training.session, training.work
    save_weights(strong.average, work / "strong.safetensors")
    save_weights(strong.critic, work / "critic.safetensors")
    torch.manual_seed(session.seed)  # so that a resumed training starts the GEMs alike
    gems = build_gems(recipe.gems, recipe.generator)
    losses: dict[str, list[float]] = {}
    about: dict[str, Any] = {"steps": strong.done, "gem_losses": losses}
    log = TrainingLog(work / METRICS)
    on_domains = recipe.gems.episodes == "domain"
    for turn, weak in enumerate(train_weak(training.known, strong, recipe, session, log)):
        save_weights(weak, work / "weak.safetensors")
        if on_domains:
            continue
        again = session.seeded(session.seed + turn)
        pairs = PairSampler(training.known, session.engine.device, again.seed)
        found = train_gems(gems, strong.average, weak, pairs, recipe.gems, again, log, turn=turn)
        for name, ends in found.items():
            losses.setdefault(name, [ends[0]])[1:] = [ends[1]]
    if on_domains:
        start = Start(strong.average, strong.critic, classifier)
        sets = training.known, training.unseen
        trained = train_on_domains(gems, sets, start, recipe, session, work / EPISODES, log)
        losses |= {name: list(ends) for name, ends in trained.losses.items()}
        about["gem_distance_left"] = trained.distance_left
    save_weights(gems, work / "gems.safetensors")
    draw_sheet(strong.average, training.unseen, session.engine, work / "sheet.png")
    return about


def _describe(training: Training, processes: int) -> dict[str, Any]:
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


def describe_source(
    training: Training, classifier: PrototypeClassifier, source: Path
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
