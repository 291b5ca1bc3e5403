"""A start from which GEMs alone are soon tuned, learned from domain episodes."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from l2laug.artifacts.training_log import TrainingLog
from l2laug.config.recipe import Recipe
from l2laug.core.progress import Progress
from l2laug.core.seeds import derived_seed
from l2laug.nn.generator import Generator
from l2laug.runtime.session import Session
from l2laug.training.gan_step import GanTrainer, GeneratorWithGems
from l2laug.training.gems.episodes import Episode, Start
from l2laug.training.loop import Phase
from l2laug.training.pairs import PairSampler

ORDER = 3  # a stream of random numbers


def learn_start(
    gems: nn.ModuleDict,
    episodes: Sequence[Episode],
    start: Start,
    recipe: Recipe,
    session: Session,
) -> None:
    """Move GEMs to where few steps on few images of a domain lead to what many images ask for.

    First-order meta-learning (Finn et al. 2017, Nichol et al. 2018): of each domain GEMs behind a
    frozen phi_s1 are tuned on the few images, then go on with all images of the class; the start
    moves by ``gems.meta_rate`` of that last part's displacement.

    Args:
        gems: changed in place.
        episodes: domains to learn from.
        start: phi_s1, its critic and the prototype classifier.
        recipe: its ``gems``, and the losses of its target.
        session: device, progress and seed.

    Raises:
        RecipeError: a training diverged.
    """
    options = recipe.gems
    random = np.random.default_rng(derived_seed(session.seed, ORDER))
    order = [i for _ in range(options.meta_rounds) for i in random.permutation(len(episodes))]
    with session.progress.task("meta-learning the GEMs", len(order)) as advance:
        for turn, i in enumerate(order):
            seeded = session.seeded(session.seed + turn)
            before, after = _tuned(gems, episodes[int(i)], start, recipe, seeded)
            rate = options.meta_rate * (1 - turn / len(order))
            with torch.no_grad():
                for own, left, reached in zip(
                    gems.parameters(), before.parameters(), after.parameters(), strict=True
                ):
                    own.add_(reached - left, alpha=rate)
            advance()
    gems.eval()


def _tuned(
    gems: nn.ModuleDict, episode: Episode, start: Start, recipe: Recipe, session: Session
) -> tuple[nn.ModuleDict, nn.ModuleDict]:
    """GEMs after steps on the few images, and after as many more on all."""
    torch.manual_seed(session.seed)
    options = recipe.gems
    changed = {
        "steps": 2 * options.meta_steps,
        "batch": recipe.domains.few_batch,
        "learning_rate": options.meta_learning_rate,
        "critic_learning_rate": recipe.domains.few_learning_rate,
    }
    generator: Generator = start.generator.eval().requires_grad_(False)
    nets = GeneratorWithGems(generator, copy.deepcopy(gems).requires_grad_(True))
    trainer = GanTrainer(
        nets,
        copy.deepcopy(start.critic).requires_grad_(True),
        recipe.target.model_copy(update=changed),
        session.showing(Progress(quiet=True)),
        classifier=session.engine.place(copy.deepcopy(start.classifier)).add(episode.few),
        train_norm=False,
    )
    found = []
    for part, images in enumerate((episode.few, episode.shown)):
        pairs = PairSampler(images, session.engine.device, session.seed)
        steps = options.meta_steps
        phase = Phase("meta", "GEMs", steps * (part + 1), steps * part)
        trainer.train(pairs, phase, TrainingLog())
        found.append(copy.deepcopy(nets.gems))
    return found[0], found[1]
