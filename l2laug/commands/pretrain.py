"""Pretrain: class folders of base classes to a bundle that rare ones can be adapted from."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from l2laug.artifacts.bundle import Bundle, find_bundle
from l2laug.artifacts.bundle_folder import (
    WORK,
    claim_bundle,
    keep_settings,
)
from l2laug.commands.pretrain_change import pretrain_change
from l2laug.commands.pretraining.bundle_training import Training, train_bundle
from l2laug.config.recipe import Recipe
from l2laug.core.errors import UsageError
from l2laug.core.files import own_folder
from l2laug.core.progress import Progress
from l2laug.data.base_classes import base_hashes, source_classes
from l2laug.data.class_augmentation import with_class_augmentation
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.data.split_classes import split_classes
from l2laug.runtime.processes import Processes
from l2laug.runtime.session import Session


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
        OutputError: a bundle is there already, or an unfinished one and no ``resume``, or another
            process is writing to it.
        BundleError: ``start`` is missing, damaged or of other networks than the recipe's.
        UsageError: several processes were started for a recipe that one trains.
    """
    processes = Processes(cpu=session.engine.device.type == "cpu")
    if not processes.main:
        return _pretrain(source, out, options, session, processes)
    with own_folder(out):
        return _pretrain(source, out, options, session, processes)


def _pretrain(
    source: Path, out: Path, options: PretrainOptions, session: Session, processes: Processes
) -> Pretrained:
    began = time.monotonic()
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
    training = Training(options.recipe, session, out / WORK, initial, known, unseen, learned)
    bundle = train_bundle(out, training, source, processes)
    return Pretrained(bundle, time.monotonic() - began, processes.main)


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
