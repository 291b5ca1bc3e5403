"""Reproduce: the paper's experiment at the size asked for, with its tables and its figure."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from l2laug.artifacts.bundle import Bundle, find_bundle, open_bundle, write_info
from l2laug.artifacts.names import INFO
from l2laug.commands.pretrain import pretrain
from l2laug.config.load import parse_recipe
from l2laug.config.recipe import GemOptions, Recipe
from l2laug.core.errors import ImageError, OutputError
from l2laug.core.files import whole_file, whole_folder, write_text
from l2laug.core.progress import Progress
from l2laug.data.class_augmentation import with_class_augmentation
from l2laug.data.contact_sheet import save_sheet
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.data.public_sources import source_folder
from l2laug.data.split_classes import split_classes
from l2laug.evaluation.held_out import Split, score_methods, split_unseen
from l2laug.evaluation.held_out_scores import HeldOutScores, KeptScores
from l2laug.evaluation.methods import Method, Model
from l2laug.features.extractor import bundle_extractor
from l2laug.nn.gem import build_gems
from l2laug.nn.weights import save_weights
from l2laug.reports.paper_tables import PLAIN, REAL, STRONG, WEAK, gem_name, gem_variants, tables
from l2laug.runtime.device import Engine, pick_engine
from l2laug.training.gems import train_gems
from l2laug.training.initial_weights import load_generator
from l2laug.training.pairs import PairSampler
from l2laug.training.target import plain, train_target

FIGURE_ROWS, FIGURE_DRAWS = 10, 2
PARTS = ("source", "weak", "gems", "target", "features")


@dataclass(frozen=True)
class Reproduction:
    """What an experiment found.

    Attributes:
        folder: holds ``results.json``, ``tables.md``, ``figure.png`` and all that going on needs.
        scores: by method, a score for each seed.
    """

    folder: Path
    scores: dict[str, list[HeldOutScores]]


def reproduce(
    source: Path,
    out: Path,
    *,
    recipe: Recipe,
    bundle: str | None = None,
    scale: float = 1.0,
    classes: int = 100,
    seeds: int = 3,
    device: str = "auto",
    progress: Progress | None = None,
) -> Reproduction:
    """Run the paper's experiment: Table 3, the ablations and their bounds.

    phi_s1 and phi_s2 are trained once, or those of ``bundle`` serve. The GEMs of every type,
    strategy, norm and number learn the step between these two, and each is plugged into a phi_t of
    its own. A seed decides which images of the held-out classes are shown, and all of the target's
    training. The same call goes on after a stop.

    Args:
        source: class folders.
        out: folder for all of it.
        recipe: of the networks and of every training; ``weak.shots`` images of a held-out class
            are shown.
        bundle: name or path of one that was trained from ``source``; all of the recipe but its GEMs
            and its target is then the bundle's own.
        scale: times all numbers of steps of the recipe, above 0.
        classes: how many of the held-out classes, the last ones.
        seeds: repetitions.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: where to show how far it is.

    Raises:
        OutputError: ``out`` holds another experiment, or can't be written.
        ImageError: there are too few classes or images, or they are not those of the bundle.
    """
    progress = progress or Progress(quiet=True)
    engine = pick_engine(device)
    if bundle is None:
        used = scaled(recipe, scale)
        _begin(out, used, None)
        base = _base(source, out / "bundle", used, engine, progress)
    else:
        base = find_bundle(bundle)
        own = parse_recipe(base.info["recipe"], f"of bundle {base.name}")
        parts = {"gems": recipe.gems, "target": recipe.target}
        used = scaled(own.model_copy(update=parts), scale)
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
    known = with_class_augmentation(known, used.data.class_augmentation)
    chosen = unseen.of(unseen.classes[-classes:])
    bundles = {
        gem_name(options): _with_gems(base, options, known, used, out / "gems", engine, progress)
        for options in gem_variants(used.gems)
    }
    scores: dict[str, list[HeldOutScores]] = {}
    for seed in range(seeds):
        split = split_unseen(chosen, used.weak.shots, seed)
        for name, make in _methods(base, bundles, used, split, seed, engine, progress):
            found = _score(name, make, split, base, seed, engine, out)
            progress.say(f"seed {seed}, {name}: FID {found.fid:.2f}")
            scores.setdefault(name, []).append(found)
    about = {
        "recipe": used.model_dump(mode="json"),
        "scale": scale,
        "classes": len(chosen.classes),
        "shots": used.weak.shots,
        "engine": engine.describe(),
        "bundle": base.digest,
    }
    plain_scores = {name: [asdict(s) for s in found] for name, found in scores.items()}
    text = json.dumps({**about, "scores": plain_scores}, indent=1, ensure_ascii=False)
    write_text(out / "results.json", text + "\n")
    write_text(out / "tables.md", tables(scores, used, scale, len(chosen.classes)))
    _draw_figure(out, split_unseen(chosen, used.weak.shots, 0), list(scores))
    return Reproduction(out, scores)


def scaled(recipe: Recipe, scale: float) -> Recipe:
    """The recipe with every number of steps times ``scale``, none that was there below 1."""
    changed = recipe.model_dump()
    for part in PARTS:
        for key in ("steps", "tune_steps"):
            if steps := changed[part].get(key):
                changed[part][key] = max(1, round(steps * scale))
    changed["target"]["gems"] = True
    return Recipe.model_validate(changed)


def _base(source: Path, out: Path, recipe: Recipe, engine: Engine, progress: Progress) -> Bundle:
    if not (out / INFO).is_file():
        device = engine.device.type
        pretrain(source, out, recipe=recipe, resume=True, device=device, progress=progress)
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


def _with_gems(
    base: Bundle,
    options: GemOptions,
    known: ImageSet,
    recipe: Recipe,
    folder: Path,
    engine: Engine,
    progress: Progress,
) -> Bundle:
    """The bundle with GEMs of other options, which learn between its own generators."""
    if options.model_dump(mode="json") == base.info["recipe"]["gems"]:
        return base
    place = folder / gem_name(options)
    if not (place / INFO).is_file():
        torch.manual_seed(int(base.info["seed"]))
        gems = build_gems(options, recipe.generator)
        strong, weak = (load_generator(base, recipe, which) for which in ("strong", "weak"))
        pairs = PairSampler(known, engine.device, int(base.info["seed"]))
        progress.say(f"GEMs {gem_name(options)}")
        train_gems(gems, strong, weak, pairs, options, engine, progress, int(base.info["seed"]))
        changed = recipe.model_copy(update={"gems": options}).model_dump(mode="json")
        with whole_folder(place, last=INFO) as part:
            for name in base.info["files"]:
                shutil.copyfile(base.path / name, part / name)
            save_weights(gems, part / "gems.safetensors")
            write_info(part, {**base.info, "name": place.name, "recipe": changed})
    return open_bundle(place)


def _methods(
    base: Bundle,
    bundles: dict[str, Bundle],
    recipe: Recipe,
    split: Split,
    seed: int,
    engine: Engine,
    progress: Progress,
) -> Iterator[tuple[str, Callable[[], Method]]]:
    """Every method's name and how to make it: most take long, and may be scored already."""

    def direct(which: str) -> Method:
        return Method((Model(load_generator(base, recipe, which), nn.ModuleDict()),))

    def adapted(bundle: Bundle, used: Recipe) -> Method:
        target = train_target(split.support, bundle, used, engine, progress, seed=seed)
        return Method((Model(target.generator, target.gems),))

    without = recipe.model_copy(update={"target": plain(recipe.target)})
    yield STRONG, lambda: direct("strong")
    yield WEAK, lambda: direct("weak")
    yield PLAIN, lambda: adapted(base, without)
    for options in gem_variants(recipe.gems):
        name, used = gem_name(options), recipe.model_copy(update={"gems": options})
        yield name, lambda name=name, used=used: adapted(bundles[name], used)  # type: ignore[misc]
    yield REAL, lambda: Method(())


def _score(
    name: str,
    make: Callable[[], Method],
    split: Split,
    base: Bundle,
    seed: int,
    engine: Engine,
    out: Path,
) -> HeldOutScores:
    """Score one method, or read what it scored before the experiment was stopped."""
    kept = KeptScores(out / "scores")
    what = f"{name}, seed {seed}, {len(split.support.classes)} classes"
    if known := kept.find(what):
        return known[name]
    methods = {} if name == REAL else {name: make()}
    found = score_methods(methods, split, bundle_extractor(base), engine, seed=seed)[name]
    if seed == 0 and methods:
        rows = np.repeat(np.arange(len(split.support.classes))[:FIGURE_ROWS], FIGURE_DRAWS)
        with whole_file(out / "draws" / f"{name}.npy") as part, part.open("wb") as file:
            np.save(file, methods[name].draw(split.support, rows, engine, seed).pixels)
    kept.keep(what, {name: found})
    return found


def _draw_figure(out: Path, split: Split, names: list[str]) -> None:
    """A row for each of some classes: an image shown, one held out, two draws of each method."""
    drawn = [np.load(out / "draws" / f"{name}.npy") for name in names if name != REAL]
    rows = []
    for label in range(min(FIGURE_ROWS, len(split.support.classes))):
        shown, other = (
            part.pixels[np.flatnonzero(part.labels == label)[0]]
            for part in (split.support, split.reference)
        )
        mine = [p for pixels in drawn for p in pixels[label * FIGURE_DRAWS :][:FIGURE_DRAWS]]
        rows.append([shown, other, *mine])
    save_sheet(out / "figure.png", rows, given=2)
