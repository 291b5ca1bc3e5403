"""Reproduce: the paper's experiment at the size asked for, with its tables and its figure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from torch import nn

from l2laug.artifacts.bundle import Bundle, find_bundle, open_bundle
from l2laug.artifacts.names import INFO
from l2laug.commands.pretrain import PretrainOptions, pretrain
from l2laug.commands.pretraining.other_gems import with_gems
from l2laug.config.load import parse_recipe
from l2laug.config.methods import L2L
from l2laug.config.recipe import Recipe
from l2laug.config.scaling import scaled
from l2laug.core.errors import ImageError, OutputError, UsageError
from l2laug.core.files import own_folder, whole_file, write_text
from l2laug.data.class_augmentation import with_class_augmentation
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.data.public_sources import source_folder
from l2laug.data.split_classes import split_classes
from l2laug.evaluation.bundles.held_out import BESIDE, Split, score_methods, split_unseen
from l2laug.evaluation.bundles.held_out_scores import HeldOutScores, KeptScores
from l2laug.evaluation.bundles.methods import Method, Model
from l2laug.features.extractor import bundle_extractor
from l2laug.reports.paper.figure import FIGURE_DRAWS, FIGURE_ROWS, draw_paper_figure
from l2laug.reports.paper.tables import PLAIN, REAL, STRONG, WEAK, gem_name, gem_variants, tables
from l2laug.runtime.session import Session
from l2laug.training.initial_weights import load_generator
from l2laug.training.target import plain, train_target


@dataclass(frozen=True)
class Reproduction:
    """What an experiment found.

    Attributes:
        folder: holds ``results.json``, ``tables.md``, ``figure.png`` and all that going on needs.
        scores: by method, a score for each seed.
    """

    folder: Path
    scores: dict[str, list[HeldOutScores]]


@dataclass(frozen=True)
class ReproduceOptions:
    """At what size the experiment is run.

    Attributes:
        recipe: of the networks and of every training; ``weak.shots`` images of a held-out class
            are shown.
        bundle: name or path of one that was trained from the source; all of the recipe but its GEMs
            and its target is then the bundle's own.
        scale: times all numbers of steps of the recipe, above 0.
        classes: how many of the held-out classes, the last ones.
        seeds: repetitions.
    """

    recipe: Recipe
    bundle: str | None = None
    scale: float = 1.0
    classes: int = 100
    seeds: int = 3


@dataclass(frozen=True)
class _Experiment:
    """What all methods and seeds share.

    Attributes:
        base: the bundle with phi_s1, phi_s2 and the GEMs of the recipe.
        bundles: by the name of its GEMs, the bundle with each variant of them.
        recipe: scaled.
        chosen: held-out classes.
        left_out: how many more there are that are too small.
        session: engine and progress.
        out: folder for all of it.
    """

    base: Bundle
    bundles: dict[str, Bundle]
    recipe: Recipe
    chosen: ImageSet
    left_out: int
    session: Session
    out: Path

    def split(self, seed: int) -> Split:
        """Which images of the held-out classes are shown with a seed."""
        return split_unseen(self.chosen, self.recipe.weak.shots, seed)


def reproduce(source: Path, out: Path, options: ReproduceOptions, session: Session) -> Reproduction:
    """Run the paper's experiment: Table 3, the ablations and their bounds.

    phi_s1 and phi_s2 are trained once, or those of ``bundle`` serve. The GEMs of every type,
    strategy, norm and number learn the step between these two, and each is plugged into a phi_t of
    its own. A seed decides which images of the held-out classes are shown, and all of the target's
    training. Classes with fewer than the shown images and :data:`BESIDE` are left out. The same
    call goes on after a stop.

    Args:
        source: class folders.
        out: folder for all of it.
        options: recipe and size.
        session: engine and progress; seeds are counted from 0.

    Raises:
        UsageError: the recipe is of another method.
        OutputError: ``out`` holds another experiment, another process is writing to it, or it
            can't be written.
        ImageError: there are too few classes or images, or they are not those of the bundle.
    """
    with own_folder(out):
        return _reproduce(source, out, options, session)


def _reproduce(
    source: Path, out: Path, options: ReproduceOptions, session: Session
) -> Reproduction:
    experiment = _prepare(source, out, options, session)
    scores: dict[str, list[HeldOutScores]] = {}
    for seed in range(options.seeds):
        split = experiment.split(seed)
        for name, make in _methods(experiment, split, seed):
            found = _score(name, make, split, experiment, seed)
            session.progress.say(f"seed {seed}, {name}: FID {found.fid:.2f}")
            scores.setdefault(name, []).append(found)
    _write(experiment, options.scale, scores)
    return Reproduction(out, scores)


def _prepare(source: Path, out: Path, options: ReproduceOptions, session: Session) -> _Experiment:
    """The bundle, the GEMs of every variant and the held-out classes."""
    if options.recipe.method != L2L:
        raise UsageError(
            f"reproduce is the paper's experiment; recipe {options.recipe.name} trains "
            f"{options.recipe.method}.",
            "Use l2laug benchmark, or a recipe of method l2l.",
        )
    if options.bundle is None:
        used = scaled(options.recipe, options.scale)
        _begin(out, used, None)
        base = _base(source, out / "bundle", used, session)
    else:
        base = find_bundle(options.bundle)
        own = parse_recipe(base.info["recipe"], f"of bundle {base.name}")
        parts = {"gems": options.recipe.gems, "target": options.recipe.target}
        used = scaled(own.model_copy(update=parts), options.scale)
        _begin(out, used, base)
    images = read_classes(
        class_folders(source_folder(source), several=True), base.size, base.channels
    )
    known, unseen = split_classes(images, used.data)
    if list(unseen.classes) != base.info["source"]["held_out"]:
        raise ImageError(
            f"{source} are not the class folders that bundle {base.name} was trained from.",
            "Give those: what it has seen can't be scored on.",
        )
    large = _large(unseen, used.weak.shots + BESIDE)
    left_out = len(unseen.classes) - len(large.classes)
    if left_out:
        session.progress.say(
            f"note: left out {left_out} held-out classes with fewer than "
            f"{used.weak.shots + BESIDE} images"
        )
    known = with_class_augmentation(known, used.data.class_augmentation)
    bundles = {
        gem_name(gems): with_gems(
            base, gems, (known, unseen), used, out / "gems" / gem_name(gems), session
        )
        for gems in gem_variants(used.gems)
    }
    chosen = large.of(large.classes[-options.classes :])
    return _Experiment(base, bundles, used, chosen, left_out, session, out)


def _large(unseen: ImageSet, smallest: int) -> ImageSet:
    """The classes with that many images or more."""
    counts = np.bincount(unseen.labels, minlength=len(unseen.classes))
    names = [c for c, n in zip(unseen.classes, counts, strict=True) if n >= smallest]
    if not names:
        raise ImageError(
            f"No held-out class has {smallest} images or more.",
            "Give larger classes, or lower weak.shots in the recipe.",
        )
    return unseen.of(names)


def _write(experiment: _Experiment, scale: float, scores: dict[str, list[HeldOutScores]]) -> None:
    """``results.json``, ``tables.md`` and ``figure.png``."""
    out, used, count = experiment.out, experiment.recipe, len(experiment.chosen.classes)
    about = {
        "recipe": used.model_dump(mode="json"),
        "scale": scale,
        "classes": count,
        "classes_left_out": experiment.left_out,
        "shots": used.weak.shots,
        "engine": experiment.session.engine.describe(),
        "bundle": experiment.base.digest,
    }
    plain_scores = {name: [asdict(s) for s in found] for name, found in scores.items()}
    text = json.dumps({**about, "scores": plain_scores}, indent=1, ensure_ascii=False)
    write_text(out / "results.json", text + "\n")
    write_text(out / "tables.md", tables(scores, used, scale, count))
    draw_paper_figure(out, experiment.split(0), list(scores))


def _base(source: Path, out: Path, recipe: Recipe, session: Session) -> Bundle:
    if not (out / INFO).is_file():
        pretrain(source, out, PretrainOptions(recipe, resume=True), session.seeded(0))
    return open_bundle(out)


def _begin(out: Path, recipe: Recipe, base: Bundle | None) -> None:
    """Remember what experiment this is; reject to go on with another one."""
    path = out / "experiment.json"
    about = {"recipe": recipe.model_dump(mode="json"), "bundle": base and base.digest}
    text = json.dumps(about, indent=1, ensure_ascii=False) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") != text:
        raise OutputError(
            f"{out} holds an experiment of another recipe, scale or bundle.",
            "Choose a new folder with -o.",
        )
    write_text(path, text)


def _methods(
    experiment: _Experiment, split: Split, seed: int
) -> Iterator[tuple[str, Callable[[], Method]]]:
    """Every method's name and how to make it: most take long, and may be scored already."""
    base, recipe, session = experiment.base, experiment.recipe, experiment.session

    def direct(which: str) -> Method:
        return Method((Model(load_generator(base, recipe, which), nn.ModuleDict()),))

    def adapted(bundle: Bundle, used: Recipe) -> Method:
        target = train_target(split.support, bundle, used, session.seeded(seed))
        return Method((Model(target.generator, target.gems),))

    without = recipe.model_copy(update={"target": plain(recipe.target)})
    yield STRONG, lambda: direct("strong")
    yield WEAK, lambda: direct("weak")
    yield PLAIN, lambda: adapted(base, without)
    for options in gem_variants(recipe.gems):
        name, used = gem_name(options), recipe.model_copy(update={"gems": options})
        yield name, lambda name=name, used=used: adapted(experiment.bundles[name], used)  # type: ignore[misc]
    yield REAL, lambda: Method(())


def _score(
    name: str, make: Callable[[], Method], split: Split, experiment: _Experiment, seed: int
) -> HeldOutScores:
    """Score one method, or read what it scored before the experiment was stopped."""
    kept, engine = KeptScores(experiment.out / "scores"), experiment.session.engine
    what = f"{name}, seed {seed}, {len(split.support.classes)} classes"
    if known := kept.find(what):
        return known[name]
    methods = {} if name == REAL else {name: make()}
    extractor = bundle_extractor(experiment.base)
    found = score_methods(methods, split, extractor, engine, seed=seed)[name]
    if seed == 0 and methods:
        rows = np.repeat(np.arange(len(split.support.classes))[:FIGURE_ROWS], FIGURE_DRAWS)
        file = experiment.out / "draws" / f"{name}.npy"
        with whole_file(file) as part, part.open("wb") as opened:
            np.save(opened, methods[name].draw(split.support, rows, engine, seed).pixels)
    kept.keep(what, {name: found})
    return found
