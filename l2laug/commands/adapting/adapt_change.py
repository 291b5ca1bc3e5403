"""Adapt one class with a bundle of changes: choose how far they go, write the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import yaml
from torch import nn

from l2laug.artifacts.bundle import Bundle
from l2laug.artifacts.names import MODEL
from l2laug.commands.adapting.adapt_class import (
    Plan,
    card_of,
    notes_on,
    options_of,
)
from l2laug.commands.adapting.run_sheet import draw_run_sheet
from l2laug.config.recipe import Recipe
from l2laug.core.errors import BundleError, QualityError
from l2laug.core.files import write_text
from l2laug.data.image_set import ImageSet
from l2laug.data.images.originals import read_original
from l2laug.evaluation.bundles.domain_distance import anything, far_from_source, share_of_limit
from l2laug.evaluation.change_strength import StrengthChoice, choose_strength
from l2laug.features.general import load_general_net
from l2laug.nn.changes.encoder import ChangeEncoder
from l2laug.nn.changes.generator import PARTS, ChangeGenerator
from l2laug.nn.onnx_export import TargetModel, export_model
from l2laug.nn.weights import load_weights
from l2laug.training.changes.tuning import tune_change
from l2laug.training.early_stopping import GemChoice
from l2laug.training.joint import together

NO_LIMIT = -1.0  # of similarity: strengths were chosen so that draws pass


@dataclass(frozen=True)
class _Trained:
    """What a model card says of the training; nothing is trained on the rare images alone."""

    steps: int
    limits: tuple[float, ...] = (NO_LIMIT,)
    evaluations: tuple[object, ...] = ()
    kept: object = None
    gem_choice: GemChoice | None = None


def load_change_generator(bundle: Bundle, recipe: Recipe) -> ChangeGenerator:
    """The generator of a bundle of changes, in evaluation mode.

    Raises:
        BundleError: its weights are missing or of other networks.
    """
    if recipe.change is None:
        raise BundleError(f"Bundle {bundle.name} is none of changes.", "Give another --bundle.")
    generator = ChangeGenerator(recipe.generator, recipe.change)
    load_weights(generator, bundle.file("strong.safetensors"))
    return generator.eval()


def tune_on_base(
    generator: ChangeGenerator, sets: Sequence[ImageSet], plan: Plan
) -> tuple[ChangeGenerator, int]:
    """Go on training a generator of changes on the user's own classes.

    The state before is kept where pairs that were held out are met no better afterwards.

    Args:
        generator: of the bundle.
        sets: the rare classes and the base classes.
        plan: bundle, recipe and session.

    Returns:
        The generator to use, and how many steps it was tuned.
    """
    recipe, session = plan.recipe, plan.session
    encoder = ChangeEncoder(recipe.generator)
    load_weights(encoder, plan.bundle.file("encoder.safetensors"))
    net, options = session.engine.place(load_general_net()), recipe.change_training
    found = tune_change(
        (generator, encoder), net, together(sets), options, session, seconds=plan.budget
    )
    session.progress.say(found.describe())
    return found.generator, found.steps


def adapt_change(
    support: ImageSet, folder: Path, run: Path, plan: Plan, tuned: tuple[ChangeGenerator, int]
) -> tuple[str, ...]:
    """Choose the strengths for one class and write its model, ``options.yaml`` and ``sheet.png``.

    Args:
        support: its images.
        folder: that they came from.
        run: folder to write to.
        plan: all else.
        tuned: the generator of the bundle, or tuned on base classes, and in how many steps.

    Returns:
        What the user should know.

    Raises:
        QualityError: no strength of any part passes.
        OutputError: the folder can't be written.
    """
    (generator, steps), progress = tuned, plan.session.progress
    name = support.classes[0]
    originals = [read_original(path, plan.max_side) for path in support.paths]
    net = load_general_net()
    choice = choose_strength(
        generator, support.pixels, originals, net, plan.session.seed, anything()
    )
    far = far_from_source(name, share_of_limit(support.pixels, plan.bundle, net), plan.bundle)
    notes = (*notes_on(support, plan, far), *choice.notes)
    progress.say(f"{name}: {len(support.pixels)} images; {describe(choice)}")
    for note in notes:
        progress.say(f"note: {note}")
    passes = any(choice.strength)
    # Where nothing passes the sheet shows what was turned down.
    strength = choice.strength if passes else tuple(1.0 for _ in PARTS)
    trained = _Trained(steps)
    card = replace(card_of(support, plan, trained), strength=strength)
    target = TargetModel(generator, nn.ModuleDict(), None, strength)
    export_model(target, support, card, run / MODEL, [o.to_text() for o in originals])
    draw_run_sheet(run, support, private=plan.private)
    options = options_of(support, folder, plan, trained) | {
        "strength": dict(zip(PARTS, choice.strength, strict=True)),
        "strengths_tried": [asdict(e) for e in choice.evaluations],
        "notes": list(notes),
        "recipe": plan.recipe.model_dump(mode="json"),
    }
    plain = {key: _plain(value) for key, value in options.items()}
    write_text(run / "options.yaml", yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))
    if not passes:
        raise QualityError(
            f"{name}: no change of its images passes ({choice.evaluations[-1].describe()}).",
            "Give more images of the class, or base classes of the same kind with --base DIR.",
        )
    return notes


def describe(choice: StrengthChoice) -> str:
    """In words, for the log: how far each part goes."""
    parts = zip(("affine motion", "flow", "tone", "drawing"), choice.strength, strict=True)
    said = [f"{part} {strength:g}" for part, strength in parts if strength]
    return f"strength of {', '.join(said)}" if said else "no part of a change passes"


def _plain(value: object) -> object:
    """Tuples as lists: YAML's safe dumper knows no tuples."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value
