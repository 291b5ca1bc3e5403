"""Learn a rare class by a method other than l2l: mostly nothing but what real images look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import nn

from l2laug.artifacts.bundle import Bundle
from l2laug.config.methods import FEWEST
from l2laug.config.recipe import Recipe
from l2laug.core.errors import UsageError
from l2laug.data.image_set import ImageSet
from l2laug.methods.learning.method import Method, Step
from l2laug.methods.learning.source import CRITIC, GENERATOR
from l2laug.methods.registry import build_method
from l2laug.nn.batches import to_batch
from l2laug.nn.prototype_classifier import load_prototype_classifier
from l2laug.nn.weights import load_weights
from l2laug.runtime.session import Session
from l2laug.training.target import Target, acceptance_thresholds


def load_method(bundle: Bundle, recipe: Recipe) -> Method:
    """The networks of a method as a bundle's source training left them.

    Raises:
        BundleError: the bundle is damaged or of another method.
    """
    method = build_method(recipe, int(bundle.info["source"]["classes"]))
    load_weights(method.generator, bundle.file(GENERATOR))
    load_weights(method.critic, bundle.file(CRITIC))
    return method


def learn_rare(support: ImageSet, bundle: Bundle, recipe: Recipe, session: Session) -> Target:
    """Learn rare classes by the recipe's method.

    Args:
        support: of one class, where the method learns a class; else of one or more.
        bundle: to start from.
        recipe: names the method.
        session: engine and seed.

    Raises:
        UsageError: a class has fewer images than the method needs.
        BundleError: the bundle is damaged or of another method.
    """
    engine = session.engine
    method = load_method(bundle, recipe)
    for label, name in enumerate(support.classes):
        count = int((support.labels == label).sum())
        check_shots(recipe.method, FEWEST.get(recipe.method, 1), name, count)
    source = bundle.info["source"]
    classifier = load_prototype_classifier(
        bundle.file("prototype_classifier.safetensors"), recipe, int(source["classes"])
    )
    engine.place(classifier).add(support)
    engine.place(method.generator)
    engine.place(method.critic)
    random = torch.Generator(engine.device).manual_seed(session.seed)
    images = to_batch(torch.from_numpy(support.pixels), engine.device)
    steps = method.learn_rare(images, Step(random, 0, recipe.source))
    generator = method.generator.eval().requires_grad_(False)
    limits = acceptance_thresholds(classifier, support, float(source["similarity"]))
    return Target(generator, nn.ModuleDict(), classifier, limits, steps)


def check_method(
    method: str, classes: Mapping[str, Sequence[Path]], *, base: Path | None = None
) -> None:
    """Make sure, before any work, that a method can do what is asked for.

    Args:
        method: other than l2l.
        classes: the files of each rare class.
        base: base classes to learn along, if there are any.

    Raises:
        UsageError: it learns nothing from base classes, or has too few images.
    """
    if base is not None:
        raise UsageError(
            f"Method {method} learns nothing from --base.", "Leave it out, or use --source."
        )
    for name, files in classes.items():
        check_shots(method, FEWEST.get(method, 1), name, len(files))


def check_shots(method: str, fewest: int, name: str, count: int) -> None:
    """Make sure that a class has images enough for a method.

    Raises:
        UsageError: it has not.
    """
    if count < fewest:
        raise UsageError(
            f"Method {method} fuses {fewest} images or more of a class, {name} has {count}.",
            "Give more images, or a bundle of a method that draws from one: dagan or deltagan.",
        )
