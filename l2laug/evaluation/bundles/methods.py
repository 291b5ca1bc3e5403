"""The methods of the paper, and how each draws images of held-out classes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from l2laug.artifacts.bundle import Bundle
from l2laug.config.methods import L2L, LEARN_RARE
from l2laug.config.recipe import Recipe
from l2laug.core.arrays import to_pixels
from l2laug.core.progress import Progress
from l2laug.core.seeds import derived_seed
from l2laug.data.image_set import ImageSet
from l2laug.methods.learning.rare import learn_rare
from l2laug.nn.batches import to_batch
from l2laug.nn.methods.drawer import Drawing, window_of, window_rows
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.sampling.sampler import TRIES
from l2laug.training.initial_weights import has_domain_gems, load_generator
from l2laug.training.target import Target, plain, train_target

BATCH = 64


@dataclass(frozen=True)
class Model:
    """A generator, the GEMs plugged into it and, of a target that may reject, the target."""

    generator: Drawing
    gems: nn.ModuleDict
    target: Target | None = None


@dataclass(frozen=True)
class Method:
    """One model for all classes, or one for each class in their order."""

    models: tuple[Model, ...]

    def draw(
        self, support: ImageSet, labels: NDArray[np.int64], engine: Engine, seed: int
    ) -> ImageSet:
        """Draw an image for each of ``labels``, the support images of a class taking turns."""
        parts = [(self.models[0], support, np.arange(len(labels)))]
        if len(self.models) > 1:
            parts = [
                (model, support.of([name]), np.flatnonzero(labels == i))
                for i, (model, name) in enumerate(zip(self.models, support.classes, strict=True))
            ]
        pixels = np.empty((len(labels), *support.pixels.shape[1:]), np.uint8)
        for i, (model, shown, rows) in enumerate(parts):
            own = labels[rows] if len(parts) == 1 else np.zeros(len(rows), np.int64)
            pixels[rows] = _draw(model, shown, own, engine, derived_seed(seed, i))
        return ImageSet(pixels, labels, support.classes, ())


def build_methods(
    support: ImageSet,
    bundle: Bundle,
    recipe: Recipe,
    engine: Engine,
    progress: Progress,
    seed: int,
    *,
    singly: bool,
) -> dict[str, Method]:
    """phi_s1, phi_s2, phi_t^plain and phi_t, the last two also rejecting broken draws.

    phi_t and phi_t^plain are one model each over all the classes, as in the paper, or one for each
    class (``singly``). phi_t is left out where the target has no GEMs, neither by its recipe nor
    of domain episodes: phi_t^plain is what it makes. Of a recipe of another method it is that
    method, without and with rejecting.

    Raises:
        UsageError: a class has fewer images than the recipe's method needs.
    """
    if recipe.method != L2L:
        found = other_method(support, bundle, recipe, Session(engine, progress, seed))
        rejecting = tuple(Model(t.generator, t.gems, t) for t in found)
        plain_models = tuple(replace(model, target=None) for model in rejecting)
        both = Method(plain_models), Method(rejecting)
        return dict(
            zip((recipe.method, f"{recipe.method}, acceptance threshold"), both, strict=True)
        )
    methods = {
        name: Method((Model(load_generator(bundle, recipe, which), nn.ModuleDict()),))
        for name, which in (("strong", "strong"), ("weak", "weak"))
    }
    recipes = {"target without GEMs": recipe.model_copy(update={"target": plain(recipe.target)})}
    if recipe.target.gems or (recipe.target.gem_strength and has_domain_gems(bundle)):
        recipes["target"] = recipe
    parts = [support.of([c]) for c in support.classes] if singly else [support]
    for name, used in recipes.items():
        session = Session(engine, progress, seed)
        targets = [train_target(p, bundle, used, session) for p in parts]
        methods[name] = Method(tuple(Model(t.generator, t.gems) for t in targets))
        methods[f"{name}, acceptance threshold"] = Method(
            tuple(Model(t.generator, t.gems, t) for t in targets)
        )
    return methods


def other_method(
    support: ImageSet, bundle: Bundle, recipe: Recipe, session: Session
) -> tuple[Target, ...]:
    """A method other than l2l on rare classes: one model for all, or where it learns, for each.

    Raises:
        UsageError: a class has fewer images than the method needs.
    """
    if not LEARN_RARE & {recipe.method}:
        return (learn_rare(support, bundle, recipe, session),)
    parts = [support.of([c]) for c in support.classes]
    return tuple(learn_rare(part, bundle, recipe, session) for part in parts)


@torch.no_grad()
def _draw(
    model: Model, support: ImageSet, labels: NDArray[np.int64], engine: Engine, seed: int
) -> NDArray[np.uint8]:
    """Draw from one model; a target's draws below its acceptance threshold are rejected."""
    generator, target = engine.place(model.generator).eval(), model.target
    turns, window = _turns(support, labels), window_of(generator)
    given = support.pixels[turns]
    windows = window_rows(torch.from_numpy(support.labels), window).numpy()[turns]
    gems = dict(engine.place(model.gems).eval().items())
    latents = torch.Generator().manual_seed(seed)
    drawn, best = np.empty_like(given), np.full(len(given), -np.inf)
    left = np.arange(len(given))
    for _ in range(TRIES):
        for rows in np.array_split(left, -(-len(left) // BATCH)):
            z = torch.randn(len(rows), generator.options.latent, generator=latents)
            x = _given(support, windows[rows], engine)
            images = generator(x, z.to(engine.device), gems).float()
            if target is None:
                similarity = np.zeros(len(rows))
            else:
                similarity = target.similarity(images, labels[rows])
            better = similarity > best[rows]
            drawn[rows[better]] = to_pixels(images.cpu().numpy())[better]
            best[rows] = np.maximum(best[rows], similarity)
        if target is not None:
            left = left[best[left] < np.array(target.limits)[labels[left]]]
        if target is None or not len(left):
            break
    return drawn


def _given(support: ImageSet, rows: NDArray[np.int64], engine: Engine) -> Tensor:
    """Images ``(N, C, S, S)`` of rows ``(N, 1)``, or ``(N, K, C, S, S)`` of ``(N, K)``."""
    x = to_batch(torch.from_numpy(support.pixels[rows.ravel()]), engine.device)
    return x if rows.shape[1] == 1 else x.unflatten(0, rows.shape)


def _turns(support: ImageSet, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of ``labels`` a row of a support image of that class, one after another."""
    given = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        rows = np.flatnonzero(support.labels == label)
        places = np.flatnonzero(labels == label)
        given[places] = np.resize(rows, len(places))
    return given
