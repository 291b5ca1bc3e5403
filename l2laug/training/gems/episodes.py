"""Domain episodes: one generator tuned on few images of a domain and on many, from one start."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from l2laug.artifacts.training_log import TrainingLog
from l2laug.config.recipe import Recipe
from l2laug.core.files import whole_file
from l2laug.core.progress import Progress
from l2laug.core.seeds import derived_seed
from l2laug.data.domains import Domain, draw_domains
from l2laug.data.image_set import ImageSet
from l2laug.nn.batches import to_batch
from l2laug.nn.critic import Critic
from l2laug.nn.generator import Generator
from l2laug.nn.prototype_classifier import PrototypeClassifier
from l2laug.runtime.session import Session
from l2laug.training.gan_step import GanTrainer, GeneratorWithGems
from l2laug.training.gems.fit import Example, GemLosses, fit_gems
from l2laug.training.loop import Phase
from l2laug.training.pairs import PairSampler

LEARNED, HELD_OUT = "learned", "held_out"
SHOTS, ROWS = 1, 2  # streams of random numbers
LEARNED_SEED, HELD_OUT_SEED = 0, 1
SCORED_ON = 64  # images of a held-out domain


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


@dataclass(frozen=True)
class TrainedOnDomains:
    """How GEM training on domain episodes went.

    Attributes:
        losses: for each position before and after.
        distance_left: see :func:`distance_left`.
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
    return TrainedOnDomains(losses, left)


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
