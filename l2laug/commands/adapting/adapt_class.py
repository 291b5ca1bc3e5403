"""Adapt one class: train on its images, write the model, its options and a sheet of draws."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
import yaml

from l2laug import __version__
from l2laug.artifacts.bundle import Bundle
from l2laug.artifacts.model_card import Card
from l2laug.artifacts.names import METRICS, MODEL
from l2laug.artifacts.training_log import TrainingLog
from l2laug.commands.adapting.run_sheet import draw_run_sheet, require_variety
from l2laug.config.methods import L2L
from l2laug.config.recipe import Recipe
from l2laug.core.arrays import pixel_hash
from l2laug.core.errors import QualityError
from l2laug.core.files import write_text
from l2laug.data.base_classes import base_hashes
from l2laug.data.datasets.problems import image_size
from l2laug.data.image_set import ImageSet
from l2laug.data.images.file_notes import file_notes
from l2laug.data.images.image_io import read_image
from l2laug.data.images.image_stats import has_colour
from l2laug.data.images.originals import Original, read_original
from l2laug.evaluation.bundles.domain_distance import anything, far_from_source, share_of_limit
from l2laug.evaluation.draw_quality import look_at_draws, way_from
from l2laug.evaluation.odd_labels import odd_labels
from l2laug.features.general import load_general_net
from l2laug.methods.learning.rare import learn_rare
from l2laug.nn.onnx_export import TargetModel, export_model
from l2laug.runtime.session import Session
from l2laug.sampling.sampler import Sampler
from l2laug.training.early_stopping import GemChoice
from l2laug.training.initial_weights import InitialWeights
from l2laug.training.target import Target, train_target

MAX_SIDE = 1024
MANY = 50  # images, more than l2laug is made for


class Trained(Protocol):
    """What a model card and ``options.yaml`` say of a training."""

    @property
    def steps(self) -> int: ...
    @property
    def limits(self) -> tuple[float, ...]: ...
    @property
    def evaluations(self) -> tuple[Any, ...]: ...
    @property
    def kept(self) -> Any: ...
    @property
    def gem_choice(self) -> GemChoice | None: ...


@dataclass(frozen=True)
class Plan:
    """What the rare classes of one call share.

    Attributes:
        bundle: to start from.
        recipe: of the training.
        session: engine, progress and seed.
        budget: seconds that training a class may take; the recipe's steps otherwise.
        base: base classes that were learned along.
        initial: what that training left; the bundle's weights otherwise.
        max_side: of the originals that the model file carries, in pixels.
        log: what that training logged.
        private: leave the images themselves out of the sheet.
    """

    bundle: Bundle
    recipe: Recipe
    session: Session
    budget: float | None
    base: ImageSet | None = None
    initial: InitialWeights | None = None
    max_side: int = MAX_SIDE
    log: tuple[dict[str, Any], ...] = ()
    private: bool = False


def adapt_class(support: ImageSet, folder: Path, run: Path, plan: Plan) -> tuple[str, ...]:
    """Learn one class and write its model, log, ``options.yaml`` and ``sheet.png``.

    Args:
        support: its images.
        folder: that they came from.
        run: folder to write to.
        plan: all else.

    Returns:
        What the user should know: files left out, images far from the bundle's source.

    Raises:
        OutputError: the folder can't be written.
        BundleError: the bundle is damaged.
        QualityError: draws don't look like the class, are blank or all the same.
    """
    distance = share_of_limit(support.pixels, plan.bundle, load_general_net())
    far = far_from_source(support.classes[0], distance, plan.bundle)
    notes, progress = notes_on(support, plan, far), plan.session.progress
    count = len(support.pixels)
    progress.say(f"{support.classes[0]}: {count} image{'s' if count > 1 else ''}")
    for note in notes:
        progress.say(f"note: {note}")
    target = _learn(support, run, plan)
    card = card_of(support, plan, target)
    networks = TargetModel(target.generator, target.gems, target.classifier)
    originals = [read_original(path, plan.max_side) for path in support.paths]
    export_model(networks, support, card, run / MODEL, [o.to_text() for o in originals])
    draw_run_sheet(run, support, private=plan.private)
    options = options_of(support, folder, plan, target) | {"notes": list(notes)}
    options["recipe"] = plan.recipe.model_dump(mode="json")
    text = yaml.safe_dump(options, sort_keys=False, allow_unicode=True)
    write_text(run / "options.yaml", text)
    require_variety(run)
    if plan.recipe.target.require_similarity:
        _require_similarity(originals, run, plan, way_from(distance))
    return notes


def _learn(support: ImageSet, run: Path, plan: Plan) -> Target:
    """Learn one class by the recipe's method."""
    if plan.recipe.method != L2L:
        return learn_rare(support, plan.bundle, plan.recipe, plan.session)
    return train_target(
        support,
        plan.bundle,
        plan.recipe,
        plan.session,
        initial=plan.initial,
        seconds=plan.budget,
        log=TrainingLog(run / METRICS, plan.log),
    )


def _require_similarity(originals: Sequence[Original], run: Path, plan: Plan, way: float) -> None:
    """Make sure that a finished model's draws look like the rare images."""
    sampler = Sampler(run / MODEL, device="cpu")
    seen = look_at_draws(sampler, originals, load_general_net(), anything(), way)
    if not seen.of_class:
        raise QualityError(
            f"{sampler.card.class_name}: what bundle {plan.bundle.name} draws does not look like "
            f"these images ({seen.describe()}).",
            "Use --bundle photos, which changes them and draws nothing.",
        )


def notes_on(support: ImageSet, plan: Plan, far: str | None) -> tuple[str, ...]:
    """What is unusual about the images, in sentences; ``far`` is one of them, if they are."""
    name, count, bundle = support.classes[0], len(support.pixels), plan.bundle
    notes = [f"left out {path}: {reason}" for path, reason in support.skipped]
    if count == 1:
        notes.append(
            f"{name} has a single image: its samples can vary only as the source classes do. "
            "Two or more images are better."
        )
    if count > MANY:
        notes.append(
            f"{name} has {count} images, more than the {MANY} that l2laug is made for; "
            "plain augmentation may serve as well."
        )
    notes += [f"{name}: {said}" for said in file_notes(support.paths)]
    if plan.base is not None:
        notes += odd_labels(support, plan.base, load_general_net())
    sizes = [image_size(path) for path in support.paths]
    if large := sum(1 for size in sizes if size is not None and max(size) > plan.max_side):
        notes.append(
            f"{large} of the {count} images are larger than {plan.max_side} pixels: the model file "
            "holds them reduced to that, and so are their samples; --max-side keeps more."
        )
    if bundle.channels == 1 and any(has_colour(read_image(p)) for p in support.paths):
        notes.append(f"{name} shows colour, bundle {bundle.name} is grey: so are its samples.")
    return tuple(notes if far is None else [*notes, far])


def card_of(support: ImageSet, plan: Plan, target: Trained) -> Card:
    """What the adapted model says of itself."""
    recipe, bundle = plan.recipe, plan.bundle
    return Card(
        class_name=support.classes[0],
        size=recipe.generator.size,
        channels=recipe.generator.channels,
        latent=recipe.generator.latent,
        bundle=bundle.name,
        bundle_hash=bundle.digest,
        recipe=recipe.name,
        recipe_hash=recipe_hash(recipe),
        version=__version__,
        seed=plan.session.seed,
        steps=target.steps,
        acceptance_threshold=target.limits[0],
        support_hashes=support_hashes(support),
        base_hashes=() if plan.base is None else base_hashes(plan.base),
        gem_strength=None if target.gem_choice is None else target.gem_choice.strength,
        originals=len(support.paths),
        max_side=plan.max_side,
    )


def options_of(support: ImageSet, folder: Path, plan: Plan, target: Trained) -> dict[str, Any]:
    """What ``options.yaml`` says, but for notes and recipe."""
    bundle, gems = plan.bundle, target.gem_choice
    return {
        "class": support.classes[0],
        "folder": str(folder.resolve()),
        "images": [str(p.resolve()) for p in support.paths],
        "bundle": {
            "name": bundle.name,
            "path": str(bundle.path.resolve()),
            "sha256": bundle.digest,
        },
        "base": [] if plan.base is None else list(plan.base.classes),
        "seed": plan.session.seed,
        "budget_seconds": plan.budget,
        "device": plan.session.engine.describe(),
        "threads": torch.get_num_threads(),
        "versions": {"l2laug": __version__, "torch": str(torch.__version__)},
        "steps": target.steps,
        "evaluations": [asdict(e) for e in target.evaluations],
        "kept": target.kept and asdict(target.kept),
        "gem_strength": None if gems is None else gems.strength,
        "gem_strengths_tried": [asdict(e) for e in gems.evaluations] if gems else [],
    }


def recipe_hash(recipe: Recipe) -> str:
    """SHA-256 of all that a recipe says."""
    settings = recipe.model_dump(mode="json")
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def support_hashes(support: ImageSet) -> tuple[str, ...]:
    """SHA-256 of each support image's pixels."""
    return tuple(pixel_hash(pixels) for pixels in support.pixels)
