"""Source training: phi_s1 from many images of each class, phi_s2 from few."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch

from l2laug.artifacts.bundle import Bundle
from l2laug.config.recipe import Recipe
from l2laug.core.arrays import to_pixels
from l2laug.core.progress import Progress
from l2laug.data.contact_sheet import save_sheet
from l2laug.data.image_set import ImageSet
from l2laug.nn.batches import to_batch
from l2laug.nn.critic import Critic
from l2laug.nn.generator import Generator
from l2laug.nn.prototype_classifier import PrototypeClassifier
from l2laug.nn.weights import load_weights
from l2laug.runtime.device import Engine
from l2laug.runtime.processes import Processes
from l2laug.training.checkpoints import CHECKPOINT_EVERY, load_checkpoint, save_checkpoint
from l2laug.training.gan_step import Adversary, settle_norm
from l2laug.training.pairs import PairSampler
from l2laug.training.registration import Registration

SHEET_EVERY = 1000


def train_strong(
    images: ImageSet,
    unseen: ImageSet,
    recipe: Recipe,
    engine: Engine,
    folder: Path,
    progress: Progress,
    seed: int = 0,
    *,
    classifier: PrototypeClassifier | None = None,
    start: Bundle | None = None,
    processes: Processes | None = None,
) -> Adversary:
    """Train phi_s1 on all images of the source classes (Algorithm 1, line 1).

    It starts at random, or from phi_s1 and the critic of the bundle ``start``. A checkpoint in
    ``folder`` is gone on from if it is there and written every few minutes; a sheet of classes
    that were held out is drawn now and then. Of several processes the first alone writes.
    """
    torch.manual_seed(seed)
    generator, critic = Generator(recipe.generator), Critic(recipe.critic, recipe.generator)
    if start is not None:
        load_weights(generator, start.file("strong.safetensors"))
        load_weights(critic, start.file("critic.safetensors"))
    adversary = Adversary(
        generator,
        critic,
        recipe.source,
        engine,
        seed,
        classifier=classifier,
        class_consistency=recipe.source.class_consistency,
        registration=Registration.of(recipe.source, recipe),
        processes=processes,
    )
    place, places = (0, 1) if processes is None else (processes.index, processes.count)
    pairs = PairSampler(images, engine.device, seed, place=place, places=places)
    checkpoint = folder / "strong.pt"
    load_checkpoint(checkpoint, adversary, pairs)
    steps = recipe.source.steps
    with progress.task("strong source generator", steps, adversary.done) as advance:
        while adversary.done < steps:
            losses = adversary.step(pairs)
            advance(note=" ".join(f"{k} {v:.2f}" for k, v in losses.items()))
            if place > 0:
                continue
            if adversary.done % CHECKPOINT_EVERY == 0 or adversary.done == steps:
                save_checkpoint(checkpoint, adversary, pairs)
            if adversary.done % SHEET_EVERY == 0 or adversary.done == steps:
                sheet = folder / f"strong-{adversary.done:06d}.png"
                draw_sheet(adversary.average, unseen, engine, sheet)
    settle_norm(adversary.average, pairs, engine, seed)
    return adversary


def train_weak(
    images: ImageSet,
    strong: Adversary,
    recipe: Recipe,
    engine: Engine,
    progress: Progress,
    seed: int = 0,
) -> Generator:
    """Train phi_s2 on few images of each class (Algorithm 1, line 2), a random subset by ``seed``.

    It starts at random, as in the paper, or from phi_s1 and its critic.
    """
    options = recipe.weak
    torch.manual_seed(seed)
    if options.start == "strong":
        generator = copy.deepcopy(strong.average).requires_grad_(True)
        critic = copy.deepcopy(strong.critic)
    else:
        generator = Generator(recipe.generator)
        critic = Critic(recipe.critic, recipe.generator)
    train_norm = options.train_norm or options.start == "random"
    adversary = Adversary(generator, critic, options, engine, seed, train_norm=train_norm)
    pairs = PairSampler(
        few_shots(images, options.shots, options.classes, seed), engine.device, seed
    )
    with progress.task("weak source generator", options.steps) as advance:
        while adversary.done < options.steps:
            adversary.step(pairs)
            advance()
    if train_norm:
        settle_norm(adversary.average, pairs, engine, seed)
    return adversary.average


def few_shots(images: ImageSet, shots: int, classes: int | None, seed: int) -> ImageSet:
    """X_sn: up to ``shots`` random images of each class, or of ``classes`` random ones."""
    random = np.random.default_rng(seed)
    labels = random.permutation(len(images.classes))[:classes]
    rows = [random.permutation(np.flatnonzero(images.labels == c))[:shots] for c in labels]
    taken = images.take(np.sort(np.concatenate(rows)))
    return taken.of([images.classes[c] for c in sorted(labels)])


@torch.no_grad()
def draw_sheet(
    generator: Generator, unseen: ImageSet, engine: Engine, path: Path, *, rows: int = 12
) -> None:
    """Save a sheet: an image of each of some classes, then eleven draws from it."""
    shown = [int(np.flatnonzero(unseen.labels == i)[0]) for i in range(len(unseen.classes))][:rows]
    latents = torch.Generator().manual_seed(1)
    z = torch.randn(11, generator.options.latent, generator=latents).to(engine.device)
    lines = []
    for row in shown:
        pixels = torch.from_numpy(unseen.pixels[[row]])
        given = to_batch(pixels, engine.device).expand(len(z), -1, -1, -1)
        drawn = generator.eval()(given, z).float().cpu().numpy()
        lines.append([unseen.pixels[row], *to_pixels(drawn)])
    save_sheet(path, lines, given=1)
