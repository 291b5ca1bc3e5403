"""Pretrain a bundle of changes: pairs of neighbours in general features, no critic."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2laug import __version__
from l2laug.artifacts.bundle import Bundle, write_learned
from l2laug.artifacts.bundle_folder import CHANGE_FILES, finish_bundle
from l2laug.artifacts.names import CENTROIDS
from l2laug.config.recipe import Recipe
from l2laug.core.arrays import Features, directions, to_pixels, to_unit
from l2laug.core.errors import RecipeError
from l2laug.data.base_classes import base_hashes
from l2laug.data.image_set import ImageSet
from l2laug.data.images.contact_sheet import save_sheet
from l2laug.evaluation.bundles.domain_distance import save_centroids
from l2laug.features.general import GeneralNet, general_features, load_general_net
from l2laug.metrics.diversity import mean_diversity
from l2laug.nn.changes.encoder import ChangeEncoder
from l2laug.nn.changes.generator import ChangeGenerator
from l2laug.nn.weights import load_weights, save_weights
from l2laug.runtime.session import Session
from l2laug.training.changes.neighbours import NeighbourPairs, class_weights, nearest_in_class
from l2laug.training.changes.trainer import ChangeTrainer, train_change

SHEET_CLASSES, SHEET_DRAWS = 16, 9


def pretrain_change(
    out: Path,
    work: Path,
    recipe: Recipe,
    images: tuple[ImageSet, ImageSet],
    session: Session,
    start: Bundle | None = None,
) -> Bundle:
    """Train a generator of changes on source classes and write its bundle.

    Args:
        out: the bundle folder.
        work: holds what is unfinished; a training that was cut off is gone on with.
        recipe: every choice of the training.
        images: of the source classes, and of those held out.
        session: engine, progress and seed.
        start: a bundle of changes to go on from, in place of the identity.

    Raises:
        BundleError: ``start`` is none of changes, or of other networks than the recipe's.
        RecipeError: the recipe has no change, or the training diverged.
        OutputError: the bundle can't be written.
    """
    if recipe.change is None:
        raise RecipeError(f"Recipe {recipe.name} has no change.", "Add 'change: {}'.")
    known = images[0]
    net = session.engine.place(load_general_net())
    torch.manual_seed(session.seed)
    generator = ChangeGenerator(recipe.generator, recipe.change)
    encoder = ChangeEncoder(recipe.generator)
    if start is not None:
        load_weights(generator, start.file("strong.safetensors"))
        load_weights(encoder, start.file("encoder.safetensors"))
    options = recipe.change_training
    trainer = ChangeTrainer(
        generator,
        encoder,
        net,
        options,
        session,
        steps=options.steps,
        rate=options.learning_rate,
    )
    pairs = neighbour_pairs(known, _features(net, known, session), recipe, session.seed)
    average = train_change(trainer, pairs, work)
    return write_change_bundle(out, work, (average, encoder), recipe, images, session, start)


def neighbour_pairs(
    images: ImageSet, features: Features, recipe: Recipe, seed: int
) -> NeighbourPairs:
    """Pairs of the nearest images of each class."""
    options = recipe.change_training
    return NeighbourPairs(
        images.pixels,
        nearest_in_class(features, images.labels, options.neighbours),
        images.labels,
        class_weights(images.classes),
        seed,
        grey=options.grey,
    )


def write_change_bundle(
    out: Path,
    work: Path,
    nets: tuple[ChangeGenerator, ChangeEncoder],
    recipe: Recipe,
    images: tuple[ImageSet, ImageSet],
    session: Session,
    start: Bundle | None = None,
) -> Bundle:
    """Write a trained generator of changes, its encoder and what is known of its source."""
    known, unseen = images
    net = session.engine.place(load_general_net())
    save_weights(nets[0], work / "strong.safetensors")
    save_weights(nets[1], work / "encoder.safetensors")
    draw_change_sheet(nets[0], unseen, work / "sheet.png")
    write_learned(work, base_hashes(known), start)
    features = general_features(net, unseen.pixels)
    info: dict[str, Any] = {
        "name": out.resolve().name,
        "description": recipe.description,
        "version": __version__,
        "seed": session.seed,
        "device": session.engine.describe(),
        "recipe": recipe.model_dump(mode="json"),
        "start": None if start is None else {"name": start.name, "sha256": start.digest},
        "source": {
            "classes": len(known.classes),
            "images": len(known.pixels),
            "held_out": list(unseen.classes),
            "similarity": _similarity(features, unseen),
            "diversity": mean_diversity(features, unseen.labels),
            "general": save_centroids(known.pixels, unseen.pixels, net, work / CENTROIDS),
        },
    }
    return finish_bundle(out, work, info, CHANGE_FILES)


@torch.no_grad()
def draw_change_sheet(generator: ChangeGenerator, images: ImageSet, path: Path) -> None:
    """A row for each of some classes, evenly chosen: an image, then it under random changes."""
    chosen = np.linspace(0, len(images.classes) - 1, min(SHEET_CLASSES, len(images.classes)))
    random = torch.Generator().manual_seed(0)
    rows = []
    for label in np.unique(chosen.astype(int)):
        given = images.pixels[np.flatnonzero(images.labels == label)[:1]]
        z = torch.randn(SHEET_DRAWS, generator.options.latent, generator=random)
        x = torch.from_numpy(to_unit(given)).expand(SHEET_DRAWS, -1, -1, -1)
        device = next(generator.parameters()).device
        drawn = generator.eval()(x.to(device), z.to(device)).image.float().cpu().numpy()
        rows.append([given[0], *to_pixels(drawn)])
    save_sheet(path, rows, given=1)


def _features(net: GeneralNet, images: ImageSet, session: Session) -> Features:
    with session.progress.task("looking at pairs", len(images.pixels)) as advance:
        return general_features(net, images.pixels, advance)


def _similarity(features: Features, images: ImageSet) -> float:
    """The cosine to the mean of its class that 98 in 100 images have at least."""
    unit = directions(features)
    found = []
    for label in range(len(images.classes)):
        mine = unit[images.labels == label]
        mean = mine.mean(0)
        found.append(mine @ (mean / np.linalg.norm(mean)))
    return float(np.percentile(np.concatenate(found), 2))
