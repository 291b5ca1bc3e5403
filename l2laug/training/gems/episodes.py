"""Domain episodes: one generator tuned on few images of a domain and on many, from one start."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor

from l2laug.artifacts.training_log import TrainingLog
from l2laug.config.recipe import Recipe
from l2laug.core.files import whole_file
from l2laug.core.progress import Progress
from l2laug.core.seeds import derived_seed
from l2laug.data.domains import Domain, draw_domains
from l2laug.data.image_set import ImageSet
from l2laug.nn.critic import Critic
from l2laug.nn.generator import Generator
from l2laug.nn.prototype_classifier import PrototypeClassifier
from l2laug.runtime.session import Session
from l2laug.training.gan_step import GanTrainer, GeneratorWithGems
from l2laug.training.loop import Phase
from l2laug.training.pairs import PairSampler

LEARNED, HELD_OUT = "learned", "held_out"
SHOTS = 1  # a stream of random numbers
LEARNED_SEED, HELD_OUT_SEED = 0, 1


class Start(NamedTuple):
    """What every episode starts from.

    Attributes:
        generator: phi_s1.
        critic: its critic.
        classifier: knows the source classes.
    """

    generator: Generator
    critic: Critic
    classifier: PrototypeClassifier


@dataclass(frozen=True)
class Episode:
    """A domain, one of its classes of which few images are shown, and the generators tuned on it.

    Attributes:
        shown: all images of that class in the domain's style; what both generators are given.
        few: those of them that the weak generator was tuned on.
        file: the weights of the two.
    """

    shown: ImageSet
    few: ImageSet
    file: Path


def make_episodes(
    known: ImageSet,
    unseen: ImageSet,
    start: Start,
    recipe: Recipe,
    session: Session,
    folder: Path,
) -> tuple[list[Episode], list[Episode]]:
    """Tune phi_s1 on few and on many images of each domain, where that is not done yet.

    Every finished episode is a file in ``folder``; the same call goes on after a stop.

    Args:
        known: source classes, which domains to learn from are made of.
        unseen: held-out classes, for domains to score on.
        start: phi_s1, its critic and the prototype classifier.
        recipe: its ``domains``, and the target's losses.
        session: device, progress and seed.
        folder: of the files.

    Returns:
        Episodes to learn from, and held-out ones.

    Raises:
        RecipeError: a training diverged.
        OutputError: ``folder`` can't be written.
    """
    options = recipe.domains
    held_out = unseen.of(sorted(unseen.classes))  # neighbours by name stand together
    jobs = [
        (f"{name}-{i:03d}", images, domain)
        for name, images, count, stream in (
            (LEARNED, known, options.count, LEARNED_SEED),
            (HELD_OUT, held_out, options.held_out, HELD_OUT_SEED),
        )
        for i, domain in enumerate(
            draw_domains(images, count, options.classes, derived_seed(session.seed, stream))
        )
    ]
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, list[Episode]] = {LEARNED: [], HELD_OUT: []}
    with session.progress.task("domain episodes", len(jobs)) as advance:
        for name, source, domain in jobs:
            episode, everything = _images(domain, source, recipe, folder / f"{name}.safetensors")
            if not episode.file.exists():
                _tune(episode, everything, start, recipe, session.seeded(domain.seed % 2**32))
            made[name.rsplit("-", 1)[0]].append(episode)
            advance()
    return made[LEARNED], made[HELD_OUT]


def _images(
    domain: Domain, source: ImageSet, recipe: Recipe, file: Path
) -> tuple[Episode, ImageSet]:
    """The images of an episode, and all of its domain."""
    everything = domain.images(source)
    random = np.random.default_rng(derived_seed(domain.seed, SHOTS))
    label = int(random.integers(len(everything.classes)))
    fewest, most = recipe.domains.shots
    shots = int(random.integers(fewest, most + 1))
    rows = random.permutation(np.flatnonzero(everything.labels == label))[:shots]
    name = [everything.classes[label]]
    return Episode(everything.of(name), everything.take(np.sort(rows)).of(name), file), everything


def _tune(
    episode: Episode,
    everything: ImageSet,
    start: Start,
    recipe: Recipe,
    session: Session,
) -> None:
    """Tune phi_s1 on the few images and on all of the domain, and write both."""
    o = recipe.domains
    parts = {
        "few": (episode.few, o.few_steps, o.few_batch, o.few_learning_rate),
        "many": (everything, o.many_steps, o.many_batch, o.many_learning_rate),
    }
    weights: dict[str, Tensor] = {}
    for name, (images, steps, batch, rate) in parts.items():
        tuned = _tuned(images, (steps, batch, rate), start, recipe, session)
        weights |= {f"{name}.{k}": v.cpu().contiguous() for k, v in tuned.state_dict().items()}
    with whole_file(episode.file) as part:
        part.write_bytes(save(weights))


def _tuned(
    images: ImageSet,
    schedule: tuple[int, int, float],
    start: Start,
    recipe: Recipe,
    session: Session,
) -> Generator:
    """The averaged generator after so many steps of a batch size and learning rate."""
    steps, batch, rate = schedule
    torch.manual_seed(session.seed)
    nets = copy.deepcopy(start)
    changed = {
        "steps": steps,
        "batch": batch,
        "learning_rate": rate,
        "critic_learning_rate": rate,
    }
    trainer = GanTrainer(
        GeneratorWithGems(nets.generator.requires_grad_(True)),
        nets.critic.requires_grad_(True),
        recipe.target.model_copy(update=changed),
        session.showing(Progress(quiet=True)),
        classifier=session.engine.place(nets.classifier).add(images),
        train_norm=False,
    )
    pairs = PairSampler(images, session.engine.device, session.seed)
    trainer.train(pairs, Phase("episode", "domain episode", steps), TrainingLog())
    return trainer.average
