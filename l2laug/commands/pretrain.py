"""Pretrain: class folders of base classes to a bundle that rare ones can be adapted from."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2laug import __version__
from l2laug.artifacts.bundle import Bundle, find_bundle, open_bundle, write_info
from l2laug.artifacts.names import INFO, STATISTICS
from l2laug.config.recipe import Recipe
from l2laug.core.errors import OutputError, UsageError
from l2laug.core.files import write_text
from l2laug.core.progress import Progress
from l2laug.data.base_classes import source_classes
from l2laug.data.class_augmentation import with_class_augmentation
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.data.public_sources import source_folder
from l2laug.data.split_classes import split_classes
from l2laug.features.extractor import Extractor, extractor_at
from l2laug.metrics.diversity import mean_diversity
from l2laug.metrics.mahalanobis import save_statistics, source_distances
from l2laug.nn.gem import build_gems
from l2laug.nn.onnx_export import export_features
from l2laug.nn.prototype_classifier import PrototypeClassifier, load_prototype_classifier
from l2laug.nn.weights import save_weights
from l2laug.runtime.device import Engine, pick_engine
from l2laug.runtime.processes import Processes
from l2laug.training.feature_net import train_features
from l2laug.training.gems import train_gems
from l2laug.training.pairs import PairSampler
from l2laug.training.source import draw_sheet, train_strong, train_weak

WORK = ".training"
SETTINGS = "settings.json"
WEIGHTS = tuple(
    f"{name}.safetensors" for name in ("strong", "weak", "gems", "critic", "prototype_classifier")
)
FILES = ("features.onnx", STATISTICS, "sheet.png", *WEIGHTS)


@dataclass(frozen=True)
class Pretrained:
    """A new bundle and how long the training of its parts took in this run, in seconds.

    ``main`` is whether this is the process to tell of it, one of several that trained it.
    """

    bundle: Bundle
    seconds: float
    main: bool = True


def pretrain(
    source: Path,
    out: Path,
    *,
    recipe: Recipe,
    start: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    seed: int = 0,
    device: str = "auto",
    leave_out: Path | None = None,
    progress: Progress | None = None,
) -> Pretrained:
    """Train phi_s1, phi_s2, the GEMs and the feature net, and write them as a bundle.

    Everything unfinished lies in a hidden folder of ``out`` until the bundle is complete;
    ``resume`` goes on from there.

    Started by `torchrun` or `accelerate launch`, all processes train phi_s1 together, each with the
    recipe's batch, and see the same folders; the rest, a small part, is the first one's work.

    Args:
        source: class folders.
        out: the bundle folder.
        recipe: every choice of the training.
        start: name or path of a bundle whose strong generator and critic to go on from, in place
            of random weights.
        resume: go on with a training that was cut off.
        overwrite: replace a bundle that is there.
        seed: of everything random.
        device: ``auto``, ``cpu`` or ``cuda``.
        leave_out: a folder in ``source`` not to learn from: the rare class, or several.
        progress: where to show how far it is.

    Raises:
        ImageError: too few classes or images.
        OutputError: a bundle is there already, or an unfinished one and no ``resume``.
        BundleError: ``start`` is missing, damaged or of other networks than the recipe's.
    """
    began = time.monotonic()
    processes = Processes(cpu=device == "cpu")
    progress = progress if progress and processes.main else Progress(quiet=True)
    initial = None if start is None else find_bundle(start)
    work = out / WORK
    with processes.main_first():  # what is fetched or measured once, the others find
        engine = pick_engine(device)
        folders = source_classes(source, leave_out)
        if processes.main:
            _claim(out, resume, overwrite)
            _keep_settings(work, recipe, seed, initial, folders)
    options = recipe.generator
    with progress.task("reading", sum(map(len, folders.values()))) as advance:
        images = read_classes(folders, options.size, options.channels, advance)
    for path, reason in images.skipped:
        progress.say(f"note: left out {path}: {reason}")
    known, unseen = split_classes(images, recipe.data)
    known = with_class_augmentation(known, recipe.data.class_augmentation)
    progress.say(
        f"{len(known.classes)} source classes with {len(known.pixels)} images, "
        f"{len(unseen.classes)} held out; {engine.describe()}"
    )
    with processes.main_first():
        if not (work / "features.onnx").exists():
            net = train_features(known, recipe.features, engine, progress, seed)
            export_features(net, options.size, options.channels, work / "features.onnx")
        classifier = _prototype_classifier(known, recipe, engine, work, progress, seed)
    strong = train_strong(
        known,
        unseen,
        recipe,
        engine,
        work,
        progress,
        seed,
        classifier=classifier,
        start=initial,
        processes=processes,
    )
    if not processes.main:
        processes.wait()
        return Pretrained(open_bundle(out), time.monotonic() - began, main=False)
    extractor = extractor_at(work / "features.onnx", "feature net", "")
    save_statistics(extractor(known.pixels), work / STATISTICS)
    save_weights(strong.average, work / "strong.safetensors")
    save_weights(strong.critic, work / "critic.safetensors")
    torch.manual_seed(seed)  # so that a resumed training starts the GEMs alike
    gems = build_gems(recipe.gems, recipe.generator)
    losses: dict[str, list[float]] = {}
    for round_ in range(recipe.weak.rounds):
        weak = train_weak(known, strong, recipe, engine, progress, seed + round_)
        save_weights(weak, work / "weak.safetensors")
        pairs = PairSampler(known, engine.device, seed + round_)
        found = train_gems(
            gems, strong.average, weak, pairs, recipe.gems, engine, progress, seed + round_
        )
        for name, ends in found.items():
            losses.setdefault(name, [ends[0]])[1:] = [ends[1]]
    save_weights(gems, work / "gems.safetensors")
    draw_sheet(strong.average, unseen, engine, work / "sheet.png")
    info = {
        "name": out.resolve().name,
        "description": recipe.description,
        "version": __version__,
        "seed": seed,
        "device": engine.describe(),
        "processes": processes.count,
        "recipe": recipe.model_dump(mode="json"),
        "start": None if initial is None else {"name": initial.name, "sha256": initial.digest},
        "source": _describe_source(known, unseen, extractor, classifier, work)
        | (
            _held_out_images(unseen, source_folder(source))
            if recipe.data.pseudo_classes > 1
            else {}
        ),
        "gem_losses": losses,
    }
    bundle = _finish(out, work, info)
    processes.wait()
    return Pretrained(bundle, time.monotonic() - began)


def _prototype_classifier(
    known: ImageSet, recipe: Recipe, engine: Engine, work: Path, progress: Progress, seed: int
) -> PrototypeClassifier:
    """The prototype classifier of source training: another feature net than the one that scores."""
    path = work / "prototype_classifier.safetensors"
    if not path.exists():
        net = train_features(
            known, recipe.features, engine, progress, seed + 1, title="prototype_classifier"
        )
        save_weights(PrototypeClassifier(net, len(known.classes)).learn(known), path)
    return load_prototype_classifier(path, recipe, len(known.classes))


def _claim(out: Path, resume: bool, overwrite: bool) -> None:
    work = out / WORK
    if (out / INFO).exists() and not overwrite:
        raise OutputError(
            f"A bundle is at {out} already.", "Give --overwrite to replace it, or another -o."
        )
    known = {WORK, "README.md", *FILES}  # the latter if finishing was cut off
    new = out.is_dir() and not (out / INFO).exists()
    if new and any(p.name not in known for p in out.iterdir()):
        raise OutputError(f"{out} holds other files.", "Choose a new folder with -o.")
    if work.is_dir() and not resume:
        # Settings alone are what a run leaves that failed before it trained: nothing to lose.
        begun = any(p.name != SETTINGS for p in work.iterdir())
        if begun and not overwrite:
            raise OutputError(
                f"A training at {out} was cut off.",
                "Give --resume to go on with it, or --overwrite to start anew.",
            )
        shutil.rmtree(work)
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{out} can't be made: {error.strerror or error}.", "Choose another place with -o."
        ) from error


def _keep_settings(
    work: Path, recipe: Recipe, seed: int, start: Bundle | None, folders: dict[str, list[Path]]
) -> None:
    """Remember how an unfinished training was begun, and reject to go on otherwise."""
    path = work / SETTINGS
    settings = {
        "recipe": recipe.model_dump(mode="json"),
        "seed": seed,
        "start": start and start.digest,
        "images": {name: len(files) for name, files in sorted(folders.items())},
    }
    text = json.dumps(settings, indent=1, ensure_ascii=False) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise UsageError(
            f"The training in {work.parent} was begun with another recipe, --seed, --start or "
            "other images.",
            "Use those, or start anew with --overwrite.",
        )
    write_text(path, text)


def _describe_source(
    known: ImageSet,
    unseen: ImageSet,
    extractor: Extractor,
    classifier: PrototypeClassifier,
    work: Path,
) -> dict[str, Any]:
    features = extractor(unseen.pixels)
    distances = source_distances(features, work / STATISTICS)
    return {
        "classes": len(known.classes),
        "images": len(known.pixels),
        "held_out": list(unseen.classes),
        "similarity": classifier.usual_similarity(unseen),
        "diversity": mean_diversity(features, unseen.labels),
        "distance": {
            "median": float(np.median(distances)),
            "percentile_99": float(np.percentile(distances, 99)),
        },
    }


def _held_out_images(unseen: ImageSet, folder: Path) -> dict[str, Any]:
    """By class, which images these are; that of parts the folders' names do not tell."""
    rows = [np.flatnonzero(unseen.labels == label) for label in range(len(unseen.classes))]
    files = [[unseen.paths[r].relative_to(folder).as_posix() for r in part] for part in rows]
    return {"held_out_images": dict(zip(unseen.classes, files, strict=True))}


def _finish(out: Path, work: Path, info: dict[str, Any]) -> Bundle:
    """Move the finished files into place, ``bundle.json`` last: without it there is no bundle."""
    card = out / "README.md"
    if not card.exists() or _is_generated(card, out / INFO):
        write_text(card, _card_text(info))
    (out / INFO).unlink(missing_ok=True)
    for name in FILES:
        (work / name).replace(out / name)
    bundle = write_info(out, info)
    shutil.rmtree(work)
    return bundle


def _is_generated(card: Path, info: Path) -> bool:
    """Whether nobody has written into a card what an overwritten bundle's card said by itself."""
    if not info.is_file():
        return False
    return card.read_text(encoding="utf-8") == _card_text(json.loads(info.read_text("utf-8")))


def _card_text(info: dict[str, Any]) -> str:
    source = info["source"]
    return (
        f"# {info['name']}\n\n{info['description']}\n\n"
        f"Trained on {source['images']} images of {source['classes']} classes with l2laug "
        f"{info['version']}; {len(source['held_out'])} classes were held out. Recipe and checksums "
        "are in bundle.json, pictures of held-out classes in sheet.png.\n"
    )
