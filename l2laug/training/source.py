"""Source training: phi_s1 from many images of each class, phi_s2 from few."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from l2laug.artifacts.bundle import Bundle
from l2laug.artifacts.training_log import TrainingLog
from l2laug.config.recipe import Recipe
from l2laug.core.arrays import to_pixels
from l2laug.data.image_set import ImageSet
from l2laug.data.images.contact_sheet import save_sheet
from l2laug.nn.batches import to_batch
from l2laug.nn.critic import Critic
from l2laug.nn.generator import Generator
from l2laug.nn.methods.drawer import Drawing, window_of
from l2laug.nn.prototype_classifier import PrototypeClassifier
from l2laug.nn.weights import load_weights
from l2laug.runtime.device import Engine
from l2laug.runtime.processes import Processes
from l2laug.runtime.session import Session
from l2laug.training.gan_step import GanTrainer, GeneratorWithGems, settle_norm
from l2laug.training.loop import Phase
from l2laug.training.pairs import PairSampler
from l2laug.training.registration import Registration
from l2laug.training.steps.resumable import Resumable, train_resumably

CHECKPOINT_EVERY = 250


def train_strong(
    images: ImageSet,
    unseen: ImageSet,
    recipe: Recipe,
    session: Session,
    folder: Path,
    *,
    classifier: PrototypeClassifier | None = None,
    start: Bundle | None = None,
    processes: Processes | None = None,
) -> GanTrainer:
    """Train phi_s1 on all images of the source classes (Algorithm 1, line 1).

    It starts at random, or from phi_s1 and the critic of the bundle ``start``. A checkpoint in
    ``folder`` is gone on from if it is there and written every few minutes; a sheet of classes
    that were held out is drawn now and then, and ``metrics.jsonl`` goes on. Of several processes
    the first alone writes.

    Raises:
        RecipeError: the training diverged.
        BundleError: the checkpoint or the bundle is of other networks than the recipe's.
        OutputError: ``folder`` can't be written.
    """
    options = recipe.source
    torch.manual_seed(session.seed)
    generator, critic = Generator(recipe.generator), Critic(recipe.critic, recipe.generator)
    if start is not None:
        load_weights(generator, start.file("strong.safetensors"))
        load_weights(critic, start.file("critic.safetensors"))
    trainer = GanTrainer(
        GeneratorWithGems(generator),
        critic,
        options,
        session,
        classifier=classifier,
        registration=Registration.of(options, recipe),
        processes=processes,
    )
    place, places = (0, 1) if processes is None else (processes.index, processes.count)
    pairs = PairSampler(images, session.engine.device, session.seed, place=place, places=places)

    def draw(path: Path) -> None:
        draw_sheet(trainer.average, unseen, session.engine, path)

    job = Resumable(folder, "strong", "strong source generator", CHECKPOINT_EVERY, draw)
    train_resumably(trainer, pairs, options.max_seconds, job)
    settle_norm(trainer.average, pairs, session)
    return trainer


def train_weak(
    images: ImageSet,
    strong: GanTrainer,
    recipe: Recipe,
    session: Session,
    log: TrainingLog | None = None,
) -> Iterator[Generator]:
    """Train phi_s2 on few images of each class, in rounds (Algorithm 1, line 2).

    Each round draws its own random subset X_s^t, by seed and round, and goes on with the networks,
    the optimisers and the average that the round before left. The start is random, as in the paper,
    or phi_s1 and its critic.

    Yields:
        phi_s2 after each round: the same network, which the next round takes further.

    Raises:
        RecipeError: the training diverged.
    """
    options = recipe.weak
    torch.manual_seed(session.seed)
    if options.start == "strong":
        generator = copy.deepcopy(strong.average).requires_grad_(True)
        critic = copy.deepcopy(strong.critic)
    else:
        generator = Generator(recipe.generator)
        critic = Critic(recipe.critic, recipe.generator)
    train_norm = options.train_norm or options.start == "random"
    steps = options.steps * options.rounds
    trainer = GanTrainer(
        GeneratorWithGems(generator),
        critic,
        options.model_copy(update={"steps": steps}),
        session,
        train_norm=train_norm,
    )
    for turn in range(options.rounds):
        seed = session.seed + turn
        few = few_shots(images, options.shots, options.classes, seed)
        pairs = PairSampler(few, session.engine.device, seed)
        end = options.steps * (turn + 1)
        trainer.train(pairs, Phase("weak", "weak source generator", end, trainer.done), log)
        if train_norm:
            settle_norm(trainer.average, pairs, session.seeded(seed))
        yield trainer.average


def few_shots(images: ImageSet, shots: int, classes: int | None, seed: int) -> ImageSet:
    """X_sn: up to ``shots`` random images of each class, or of ``classes`` random ones."""
    random = np.random.default_rng(seed)
    labels = random.permutation(len(images.classes))[:classes]
    rows = [random.permutation(np.flatnonzero(images.labels == c))[:shots] for c in labels]
    taken = images.take(np.sort(np.concatenate(rows)))
    return taken.of([images.classes[c] for c in sorted(labels)])


@torch.no_grad()
def draw_sheet(
    generator: Drawing, unseen: ImageSet, engine: Engine, path: Path, *, rows: int = 12
) -> None:
    """Save a sheet: of each of some classes the images that are drawn from, then eleven draws."""
    window = window_of(generator)
    latents = torch.Generator().manual_seed(1)
    z = torch.randn(11, generator.options.latent, generator=latents).to(engine.device)
    lines = []
    for label in range(min(rows, len(unseen.classes))):
        shown = unseen.pixels[np.resize(np.flatnonzero(unseen.labels == label), window)]
        given = to_batch(torch.from_numpy(shown), engine.device)[None].expand(len(z), *[-1] * 4)
        drawn = generator.eval()(given if window > 1 else given[:, 0], z).float().cpu().numpy()
        lines.append([*shown, *to_pixels(drawn)])
    save_sheet(path, lines, given=window)
