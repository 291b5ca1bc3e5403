"""Source training of a method: from many classes, with checkpoints."""

from __future__ import annotations

from pathlib import Path

import torch

from l2laug.artifacts.bundle import Bundle
from l2laug.config.recipe import Recipe
from l2laug.data.image_set import ImageSet
from l2laug.methods.learning.episodes import EpisodeSampler
from l2laug.methods.learning.trainer import MethodTrainer
from l2laug.methods.registry import build_trainer
from l2laug.nn.methods.drawer import Drawing, window_of
from l2laug.nn.weights import load_weights
from l2laug.runtime.processes import Processes
from l2laug.runtime.session import Session
from l2laug.training.gan_step import settle_norm_on
from l2laug.training.source import draw_sheet
from l2laug.training.steps.resumable import Resumable, train_resumably

GENERATOR, CRITIC = "generator.safetensors", "critic.safetensors"
CHECKPOINT_EVERY = 100  # steps, some of which take as long as several of l2l's
SETTLING, BATCH = 20, 64  # batches that batch norm is measured on, and their images


def train_method(
    images: ImageSet,
    unseen: ImageSet,
    recipe: Recipe,
    session: Session,
    folder: Path,
    *,
    start: Bundle | None = None,
    processes: Processes | None = None,
) -> MethodTrainer:
    """Train a method other than ``l2l`` on all images of the source classes.

    It starts at random, or from the bundle ``start``. A checkpoint in ``folder`` is gone on from if
    it is there; a sheet of classes that were held out is drawn now and then, and ``metrics.jsonl``
    goes on. Of several processes the first alone writes.

    Args:
        images: of the source classes.
        unseen: of classes that were held out.
        recipe: names the method; its ``source`` says how long.
        session: engine, progress and seed.
        folder: of what is unfinished.
        start: a bundle of the same networks and as many classes.
        processes: those that train together.

    Raises:
        RecipeError: the training diverged.
        BundleError: the checkpoint or the bundle is of other networks than the recipe's.
        OutputError: ``folder`` can't be written.
    """
    torch.manual_seed(session.seed)
    trainer = build_trainer(recipe, len(images.classes), session, processes)
    if start is not None:
        load_weights(trainer.nets, start.file(GENERATOR))
        load_weights(trainer.critic, start.file(CRITIC))
    place, places = (0, 1) if processes is None else (processes.index, processes.count)
    device, shots = session.engine.device, trainer.method.shots
    episodes = EpisodeSampler(images, device, session.seed, shots, place=place, places=places)

    def draw(path: Path) -> None:
        draw_sheet(trainer.averaged, unseen, session.engine, path)

    job = Resumable(folder, "generator", recipe.method, CHECKPOINT_EVERY, draw)
    train_resumably(trainer, episodes, recipe.source.max_seconds, job)
    settle(trainer.averaged, images, session)
    return trainer


def settle(generator: Drawing, images: ImageSet, session: Session) -> None:
    """Measure batch norm's statistics anew for averaged weights."""
    torch.manual_seed(session.seed)  # of dropout
    window = window_of(generator)
    episodes = EpisodeSampler(images, session.engine.device, session.seed, window)
    drawn = (episodes.draw(BATCH // window or 1).images for _ in range(SETTLING))
    given = (x if window > 1 else x[:, 0] for x in drawn)
    settle_norm_on(generator, given, session)
