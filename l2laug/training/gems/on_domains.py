"""GEMs that learn the step from few to many images of a domain, on domain episodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from l2laug.artifacts.training_log import TrainingLog
from l2laug.config.recipe import Recipe
from l2laug.core.errors import RecipeError
from l2laug.core.seeds import derived_seed
from l2laug.data.image_set import ImageSet
from l2laug.nn.batches import to_batch
from l2laug.nn.generator import Generator
from l2laug.runtime.session import Session
from l2laug.training.gems.episodes import Episode, Start, make_episodes
from l2laug.training.gems.fit import Example, GemLosses, fit_gems
from l2laug.training.gems.meta import learn_start

ROWS = 2  # a stream of random numbers
SCORED_ON = 64  # images of a held-out domain
DIVERGED = 100.0  # times the distance without GEMs; 1 to 12 is usual of a start to tune from


@dataclass(frozen=True)
class TrainedOnDomains:
    """How GEM training on domain episodes went.

    Attributes:
        losses: for each position before and after.
        distance_left: see :func:`distance_left`; before they became a start to tune from.
    """

    losses: dict[str, tuple[float, float]]
    distance_left: dict[str, float]


def train_on_domains(
    gems: nn.ModuleDict,
    sets: tuple[ImageSet, ImageSet],
    start: Start,
    recipe: Recipe,
    session: Session,
    folder: Path,
    log: TrainingLog | None = None,
) -> TrainedOnDomains:
    """Make domain episodes and train GEMs on them: tau_i(phi_s2's map i) = phi_s1's map i.

    Of each domain phi_s2 is phi_s1 tuned on few images, and its phi_s1 the same tuned on many.
    Where ``gems.meta_rounds`` says so, they then become a start from which they are tuned alone.

    Args:
        gems: trained in place.
        sets: source classes, and held-out ones.
        start: phi_s1, its critic and the prototype classifier.
        recipe: its ``domains`` and ``gems``.
        session: device, progress and seed.
        folder: of the episodes' files, gone on with if some are there.
        log: where losses are kept.

    Raises:
        RecipeError: a training diverged.
        OutputError: ``folder`` can't be written.
    """
    if not gems:
        return TrainedOnDomains({}, {})
    learned, held_out = make_episodes(*sets, start, recipe, session, folder)
    losses = fit_gems(gems, EpisodeExamples(learned, recipe, session), recipe.gems, session, log)
    left = distance_left(gems, held_out, recipe, session)
    said = ", ".join(f"block {name} {share:.0%}" for name, share in left.items())
    session.progress.say(f"GEMs leave of the distance from few to many images: {said or 'all'}")
    if recipe.gems.meta_rounds:
        learn_start(gems, learned, start, recipe, session)
        _check_start(distance_left(gems, held_out, recipe, session))
    return TrainedOnDomains(losses, left)


def _check_start(left: Mapping[str, float]) -> None:
    """Make sure that a start to tune from has not left what maps look like.

    Raises:
        RecipeError: it has.
    """
    if not max(left.values()) < DIVERGED:
        raise RecipeError(
            "The GEMs diverged in meta-learning: behind them maps lie "
            f"{max(left.values()):.0f} times as far from those of many images as without.",
            "Lower gems.meta_rate or gems.meta_learning_rate.",
        )


class EpisodeExamples:
    """Draws an episode at a time, at random, for :func:`l2laug.training.gems.fit.fit_gems`.

    Args:
        episodes: to draw from.
        recipe: of the generators.
        session: device, and the seed of what is drawn.
    """

    def __init__(self, episodes: Sequence[Episode], recipe: Recipe, session: Session) -> None:
        self.episodes, self.session = episodes, session
        self.strong, self.weak = (
            session.engine.place(Generator(recipe.generator)).eval().requires_grad_(False)
            for _ in range(2)
        )
        self.random = np.random.default_rng(derived_seed(session.seed, ROWS))

    def __call__(self, batch: int) -> Example:
        """Images of one random episode, given to its two generators."""
        return self.of(self.episodes[int(self.random.integers(len(self.episodes)))], batch)

    def of(self, episode: Episode, batch: int) -> Example:
        """Random images of an episode's class, given to its two generators."""
        weights = load_file(episode.file)
        for name, net in (("many", self.strong), ("few", self.weak)):
            net.load_state_dict(_part(weights, name))
        pixels = episode.shown.pixels
        rows = self.random.integers(len(pixels), size=batch)
        given = to_batch(torch.from_numpy(pixels[rows]), self.session.engine.device)
        return Example(self.strong, self.weak, given)


def _part(weights: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    return {k.removeprefix(f"{name}."): v for k, v in weights.items() if k.startswith(f"{name}.")}


@torch.no_grad()
def distance_left(
    gems: nn.ModuleDict, episodes: Sequence[Episode], recipe: Recipe, session: Session
) -> dict[str, float]:
    """How much of the way from few to many images GEMs leave, by decoder block.

    Args:
        gems: trained; they are all plugged in, the shallow ones ahead of the deep.
        episodes: held-out ones.
        recipe: networks, and the norm of distances.
        session: device, and the seed of images and latents.

    Returns:
        For each position the distance of maps behind the GEMs over that without GEMs, a mean over
        episodes: 0 is all of the way, 1 none of it.
    """
    examples = EpisodeExamples(episodes, recipe, session)
    # Strategy C's loss: all plugged in.
    losses = GemLosses(gems, recipe.gems.model_copy(update={"strategy": "C"}), session.engine)
    bare = GemLosses(
        nn.ModuleDict({name: nn.Identity() for name in gems}), losses.options, session.engine
    )
    stage = sorted(int(name) for name in gems)
    latents = torch.Generator().manual_seed(session.seed)
    ratios = []
    for episode in episodes:
        example = examples.of(episode, SCORED_ON)
        z = torch.randn(SCORED_ON, recipe.generator.latent, generator=latents)
        z = z.to(session.engine.device)
        behind, ahead = losses(example, z, stage), bare(example, z, stage)
        ratios.append({name: float(behind[name] / ahead[name]) for name in behind})
    return {name: float(np.mean([r[name] for r in ratios])) for name in ratios[0]}
