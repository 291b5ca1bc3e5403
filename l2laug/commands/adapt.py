"""Adapt: a folder of rare images to a run folder with a model that draws more of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import torch
import yaml

from l2laug import __version__
from l2laug.artifacts.bundle import Bundle, find_bundle
from l2laug.artifacts.model_card import Card
from l2laug.artifacts.names import HOME, MODEL
from l2laug.artifacts.output_folders import check_free
from l2laug.commands.select_bundle import nearest_bundle, own_bundle
from l2laug.config.load import find_recipe, parse_recipe
from l2laug.config.recipe import Recipe
from l2laug.core.arrays import pixel_hash
from l2laug.core.errors import BundleError, OutputError, UsageError
from l2laug.core.files import whole_folder, write_text
from l2laug.core.progress import Progress
from l2laug.data.base_classes import base_hashes, read_base_classes, source_classes
from l2laug.data.contact_sheet import save_sheet
from l2laug.data.folders import class_folders
from l2laug.data.image_io import read_image
from l2laug.data.image_set import ImageSet
from l2laug.data.image_stats import has_colour, image_stats
from l2laug.data.originals import read_original
from l2laug.data.public_sources import source_size
from l2laug.data.support import read_supports
from l2laug.evaluation.domain_distance import far_from_source
from l2laug.nn.onnx_export import TargetModel, export_model
from l2laug.runtime.device import Engine, pick_engine
from l2laug.sampling.sampler import Sampler
from l2laug.training.initial_weights import InitialWeights
from l2laug.training.joint import train_jointly
from l2laug.training.target import train_target

SHEET_ROWS = 8
SHEET_DRAWS = 10


@dataclass(frozen=True)
class Adapted:
    """One adapted class.

    Attributes:
        class_name: the rare class.
        run: its run folder.
        support: how many images it was learned from.
        notes: what the user should know: files left out, images far from the bundle's source.
        bundle: that it grew from.
        distances: to every bundle, where ``auto`` chose among them; see ``Choice``.
    """

    class_name: str
    run: Path
    support: int
    notes: tuple[str, ...]
    bundle: str = ""
    distances: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Plan:
    """What the rare classes of one call share."""

    bundle: Bundle
    recipe: Recipe
    engine: Engine
    seed: int
    budget: float | None
    base: ImageSet | None
    initial: InitialWeights | None


def adapt(
    folder: Path,
    *,
    bundle: str = "auto",
    source: Path | None = None,
    base: Path | None = None,
    out: Path | None = None,
    seed: int = 0,
    device: str = "auto",
    budget: float | None = None,
    recipe: Recipe | None = None,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> list[Adapted]:
    """Learn each rare class in ``folder`` and write a run folder for it.

    Args:
        folder: images of one class, or class folders that are adapted in turn.
        bundle: name or path of the bundle to start from; ``auto`` takes the nearest.
        source: class folders of base classes to train a bundle on first; the rare images may
            lie among them.
        base: class folders of base classes of the same kind, to learn along with the rare
            ones first; those may lie among them.
        out: the run folder, with several classes the folder that theirs go into.
        seed: of everything random.
        device: ``auto``, ``cpu`` or ``cuda``.
        budget: seconds that training a class may take, and learning the base ones; the recipe's
            steps otherwise.
        recipe: in place of the bundle's own; with ``source`` that of the bundle.
        resume: keep the classes that an earlier call adapted, if it was this one in all else but
            ``budget``.
        overwrite: replace run folders that exist.
        progress: where to show how far it is.

    Raises:
        ImageError: no image there that can be read.
        BundleError: the bundle is missing or damaged, or the recipe's networks are others.
        OutputError: a run folder exists or can't be written, or what is to be kept was adapted
            otherwise.
        DeviceError: the device is not there.
    """
    progress = progress or Progress(quiet=True)
    if resume and overwrite:
        raise UsageError("--resume keeps what --overwrite removes.", "Give one of them.")
    engine = pick_engine(device)
    classes = class_folders(folder)
    if base is not None:
        source_classes(base, folder)  # that there are any has to be known before work starts
    runs = {
        name: (out or HOME / name) if len(classes) == 1 else (out or HOME) / name
        for name in classes
    }
    inputs = [path for path in (folder, source, base) if path is not None]
    done = [name for name, run in runs.items() if resume and (run / MODEL).is_file()]
    places = [run for name, run in runs.items() if name not in done]
    check_free(places, MODEL, overwrite=overwrite, keep=inputs)
    chosen, distances = _choose(classes, folder, bundle, source, base, recipe, device, progress)
    own = parse_recipe(chosen.info["recipe"], f"of bundle {chosen.name}")
    resolved = recipe or own
    if (resolved.generator, resolved.critic) != (own.generator, own.critic):
        raise BundleError(
            f"The networks of recipe {resolved.name} are not those of bundle {chosen.name}.",
            "Give generator and critic as in the bundle's own recipe, or another --bundle.",
        )
    sets = read_supports(classes, chosen)
    check_free(places, MODEL, overwrite=overwrite, keep=[*inputs, chosen.path])
    progress.say(f"bundle {chosen.name}, {engine.describe()}")
    along, initial = None, None
    if base is not None:
        parts = resolved.data.pseudo_classes
        along = read_base_classes(
            base, folder, runs, chosen, resolved.base, seed, progress, parts=parts
        )
        progress.say(f"{len(along.classes)} base classes with {len(along.pixels)} images")
    for name in done:
        _check_same(runs[name], sets[name], along, chosen, resolved, seed)
    if along is not None and len(done) < len(runs):
        initial = train_jointly(
            list(sets.values()), along, chosen, resolved, engine, progress, seed, budget
        )
    plan = _Plan(chosen, resolved, engine, seed, budget, along, initial)
    results = []
    for name, run in runs.items():
        if name in done:
            progress.say(f"{name}: adapted before")
            results.append(Adapted(name, run, len(sets[name].pixels), (), chosen.name, distances))
            continue
        with whole_folder(run, last=MODEL) as part:
            adapted = _adapt_class(
                sets[name],
                folder if len(classes) == 1 and name == folder.resolve().name else folder / name,
                part,
                plan,
                progress,
            )
        results.append(replace(adapted, run=run, bundle=chosen.name, distances=distances))
    return results


def _check_same(
    run: Path,
    support: ImageSet,
    base: ImageSet | None,
    bundle: Bundle,
    recipe: Recipe,
    seed: int,
) -> None:
    """Make sure that a run is what adapting anew, with no budget, would make of these images."""
    card = Sampler(run / MODEL, device="cpu").card
    along = () if base is None else base_hashes(base)
    wanted = (seed, bundle.digest, _recipe_hash(recipe), _support_hashes(support), along)
    found = (card.seed, card.bundle_hash, card.recipe_hash, card.support_hashes, card.base_hashes)
    if found != wanted:
        raise OutputError(
            f"{run} was adapted with other images or options.",
            "Give --overwrite in place of --resume, or another place with -o.",
        )


def _recipe_hash(recipe: Recipe) -> str:
    settings = recipe.model_dump(mode="json")
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _support_hashes(support: ImageSet) -> tuple[str, ...]:
    return tuple(pixel_hash(pixels) for pixels in support.pixels)


def _choose(
    classes: dict[str, list[Path]],
    folder: Path,
    bundle: str,
    source: Path | None,
    base: Path | None,
    recipe: Recipe | None,
    device: str,
    progress: Progress,
) -> tuple[Bundle, dict[str, float]]:
    """The bundle to start from, and the distances it was chosen by, if it was."""
    if source is not None:
        if bundle != "auto":
            raise UsageError("--bundle and --source both name a bundle.", "Give one of them.")
        if base is not None:
            raise UsageError(
                "--source trains a bundle on base classes, --base goes on from one.",
                "Give --base to be done in minutes, --source where all bundles are far.",
            )
        for files in classes.values():
            image_stats(files)  # that none can be read has to be known before hours of training
        wanted = recipe or find_recipe("default", source_size(source))
        return own_bundle(source, folder, wanted, device, progress), {}
    if bundle != "auto":
        return find_bundle(bundle), {}
    choice = nearest_bundle(classes)
    progress.say(choice.describe())
    return choice.bundle, choice.distances


def _adapt_class(
    support: ImageSet, folder: Path, run: Path, plan: _Plan, progress: Progress
) -> Adapted:
    name, bundle, recipe, base = support.classes[0], plan.bundle, plan.recipe, plan.base
    notes = [f"left out {path}: {reason}" for path, reason in support.skipped]
    if len(support.pixels) == 1:
        notes.append(
            f"{name} has a single image: its samples can vary only as the source classes do. "
            "Two or more images are better."
        )
    if len(support.pixels) > 50:
        notes.append(
            f"{name} has {len(support.pixels)} images, more than the 50 that l2laug is made for; "
            "plain augmentation may serve as well."
        )
    if bundle.channels == 1 and any(has_colour(read_image(p)) for p in support.paths):
        notes.append(f"{name} shows colour, bundle {bundle.name} is grey: so are its samples.")
    if far := far_from_source(support, bundle):
        notes.append(far)
    count = len(support.pixels)
    progress.say(f"{name}: {count} image{'s' if count > 1 else ''}")
    for note in notes:
        progress.say(f"note: {note}")
    target = train_target(
        support,
        bundle,
        recipe,
        plan.engine,
        progress,
        initial=plan.initial,
        seed=plan.seed,
        seconds=plan.budget,
    )
    card = Card(
        class_name=name,
        size=recipe.generator.size,
        channels=recipe.generator.channels,
        latent=recipe.generator.latent,
        bundle=bundle.name,
        bundle_hash=bundle.digest,
        recipe=recipe.name,
        recipe_hash=_recipe_hash(recipe),
        version=__version__,
        seed=plan.seed,
        steps=target.steps,
        acceptance_threshold=target.limits[0],
        support_hashes=_support_hashes(support),
        base_hashes=() if base is None else base_hashes(base),
        originals=len(support.paths),
    )
    networks = TargetModel(target.generator, target.gems, target.classifier)
    originals = [read_original(path, card.max_side).to_text() for path in support.paths]
    export_model(networks, support, card, run / MODEL, originals)
    draw_run_sheet(run, support)
    options = {
        "class": name,
        "folder": str(folder.resolve()),
        "images": [str(p.resolve()) for p in support.paths],
        "bundle": {
            "name": bundle.name,
            "path": str(bundle.path.resolve()),
            "sha256": bundle.digest,
        },
        "base": [] if base is None else list(base.classes),
        "seed": plan.seed,
        "budget_seconds": plan.budget,
        "device": plan.engine.describe(),
        "versions": {"l2laug": __version__, "torch": str(torch.__version__)},
        "steps": target.steps,
        "evaluations": [asdict(e) for e in target.evaluations],
        "kept": target.kept and asdict(target.kept),
        "notes": notes,
        "recipe": recipe.model_dump(mode="json"),
    }
    text = yaml.safe_dump(options, sort_keys=False, allow_unicode=True)
    write_text(run / "options.yaml", text)
    return Adapted(name, run, len(support.pixels), tuple(notes))


def draw_run_sheet(run: Path, support: ImageSet) -> None:
    """``sheet.png``: each support image (the first eight) and what is drawn from it."""
    sampler = Sampler(run / MODEL, device="cpu")
    shown = min(SHEET_ROWS, len(support.pixels))
    rows = [[pixels] for pixels in support.pixels[:shown]]
    for turn in range(SHEET_DRAWS):
        for drawn in sampler.draw(shown, first=turn * len(support.pixels)):
            for row, image in zip(drawn.support, drawn.pixels, strict=True):
                rows[row].append(image)
    save_sheet(run / "sheet.png", rows, given=1)
