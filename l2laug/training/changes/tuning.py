"""A generator of changes learns from the user's own classes, if these show that it got better."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch

from l2laug.config.change import ChangeTrainingOptions
from l2laug.data.image_set import ImageSet
from l2laug.features.general import GeneralNet, general_features
from l2laug.nn.batches import to_batch
from l2laug.nn.changes.encoder import ChangeEncoder
from l2laug.nn.changes.generator import ChangeGenerator
from l2laug.runtime.session import Session
from l2laug.training.changes.loss import change_loss
from l2laug.training.changes.neighbours import NeighbourPairs, Rows, class_weights, nearest_in_class
from l2laug.training.changes.trainer import ChangeTrainer, train_change

EVERY = 5  # one in so many images of a class is held out
SPARED = 10  # classes of fewer images than this hold out none: rare images are for learning
ASKED = 96  # held-out pairs, at most

Nets = tuple[ChangeGenerator, ChangeEncoder]


@dataclass(frozen=True)
class TunedChange:
    """What came of tuning.

    Attributes:
        generator: tuned, or as it was before where tuning did harm or nothing could tell.
        steps: it was tuned, 0 where it is as it was.
        before: loss of the held-out pairs before tuning; NaN where there are none.
        after: the same after it.
    """

    generator: ChangeGenerator
    steps: int
    before: float
    after: float

    def describe(self) -> str:
        """In a line, for the log."""
        if not np.isfinite(self.before):
            return "changes were not tuned: too few base images to tell whether that helps"
        told = f"loss of held-out pairs {self.before:.3f} before, {self.after:.3f} after"
        return f"changes tuned on base classes: {told}" if self.steps else f"tuning undone: {told}"


def tune_change(
    nets: Nets,
    general: GeneralNet,
    images: ImageSet,
    options: ChangeTrainingOptions,
    session: Session,
    seconds: float | None = None,
) -> TunedChange:
    """Tune a copy of a generator on pairs of some images; keep it if held-out pairs say so.

    One in :data:`EVERY` images of each class is not learned from. Their pairs are asked before and
    after, with the same latents, for the loss that is trained.

    Args:
        nets: a trained generator, and its encoder.
        general: the general net.
        images: of the user's classes.
        options: steps, rate and weights.
        session: engine, progress and seed.
        seconds: the longest that training may take, if that is limited.

    Raises:
        RecipeError: the training diverged.
    """
    before = nets[0]
    features = general_features(general, images.pixels)
    nearest = nearest_in_class(features, images.labels, options.neighbours)
    held, learned = _held_out(images.labels, session.seed)
    if not len(held):
        return TunedChange(before, 0, float("nan"), float("nan"))
    random = np.random.default_rng(session.seed)
    asked = held[random.permutation(len(held))[:ASKED]]
    others = nearest[asked, random.integers(nearest.shape[1], size=len(asked))]
    pair = images.pixels[asked], images.pixels[others]
    trainer = ChangeTrainer(
        copy.deepcopy(nets[0]).requires_grad_(True),
        copy.deepcopy(nets[1]).requires_grad_(True),
        general,
        options,
        session,
        steps=options.base_steps,
        rate=options.base_learning_rate,
        train_norm=False,
    )
    first = _loss((trainer.generator, trainer.encoder), general, pair, options, session)
    subset = images.take(learned)
    pairs = NeighbourPairs(
        subset.pixels,
        nearest_in_class(features[learned], subset.labels, options.neighbours),
        subset.labels,
        class_weights(images.classes),
        session.seed,
        grey=options.grey,
    )
    tuned = train_change(trainer, pairs, seconds=seconds)
    last = _loss((tuned, trainer.encoder), general, pair, options, session)
    if last >= first:
        return TunedChange(before, 0, first, last)
    return TunedChange(tuned.cpu().eval(), trainer.done, first, last)


def _held_out(labels: Rows, seed: int) -> tuple[Rows, Rows]:
    """Rows to ask, and rows to learn from."""
    random, held = np.random.default_rng(seed), []
    for label in np.unique(labels):
        mine = random.permutation(np.flatnonzero(labels == label))
        held.append(mine[: len(mine) // EVERY if len(mine) >= SPARED else 0])
    rows: Rows = np.sort(np.concatenate(held))
    return rows, np.setdiff1d(np.arange(len(labels)), rows)


@torch.no_grad()
def _loss(
    nets: Nets,
    general: GeneralNet,
    pair: tuple[np.ndarray, np.ndarray],
    options: ChangeTrainingOptions,
    session: Session,
) -> float:
    """The loss of pairs, with the same latents at each call."""
    for net in nets:
        net.eval()
    device = session.engine.device
    given, other = (to_batch(torch.from_numpy(pixels), device) for pixels in pair)
    random = torch.Generator().manual_seed(session.seed)
    noise = torch.randn(2, len(given), nets[0].options.latent, generator=random).to(device)
    with session.engine.autocast():
        # Second moments of so few pairs are mostly chance.
        weights = options.model_copy(update={"prior": 0.0})
        loss, _ = change_loss(nets, general, (given, other), noise, weights)
    return float(loss)
