"""Target training: phi_t learns the rare images and borrows the GEMs (Algorithm 1, lines 3-5)."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from l2laug.artifacts.bundle import Bundle
from l2laug.artifacts.training_log import TrainingLog
from l2laug.config.recipe import Recipe, TargetOptions
from l2laug.data.image_set import ImageSet
from l2laug.nn.methods.drawer import Drawing
from l2laug.nn.prototype_classifier import PrototypeClassifier
from l2laug.runtime.session import Session
from l2laug.training.early_stopping import EarlyStopping, GemChoice, TargetEvaluation
from l2laug.training.gan_step import GanTrainer, GeneratorWithGems
from l2laug.training.initial_weights import (
    InitialWeights,
    bundle_weights,
    has_domain_gems,
    load_gems,
)
from l2laug.training.loop import Every, Phase
from l2laug.training.pairs import PairSampler


@dataclass(frozen=True)
class Target:
    """phi_t.

    Attributes:
        generator: averaged, in evaluation mode.
        gems: plugged into it; none for phi_t^plain.
        classifier: knows the rare classes, their labels first, beside the source classes.
        limits: for each rare class, how like it a draw must be not to be rejected.
        steps: how many were taken up to the moment that was kept.
        evaluations: what the stopping saw of the last part.
        kept: the look of the moment that was kept; none where nothing was early.
        gem_choice: at which strength; none where there were no GEMs to plug in.
    """

    generator: Drawing
    gems: nn.ModuleDict
    classifier: PrototypeClassifier
    limits: tuple[float, ...]
    steps: int
    evaluations: tuple[TargetEvaluation, ...] = ()
    kept: TargetEvaluation | None = None
    gem_choice: GemChoice | None = None

    def similarity(self, images: Tensor, labels: NDArray[np.int64]) -> NDArray[np.float64]:
        """How like their rare classes images ``(N, C, S, S)`` in [-1, 1] are, ``(N,)``."""
        prototypes = self.classifier.prototypes[torch.from_numpy(labels).to(images.device)]
        found: NDArray[np.float64] = (
            (self.classifier.directions(images) * prototypes).sum(1).double().cpu().numpy()
        )
        return found


def train_target(
    support: ImageSet,
    bundle: Bundle,
    recipe: Recipe,
    session: Session,
    *,
    initial: InitialWeights | None = None,
    seconds: float | None = None,
    log: TrainingLog | None = None,
) -> Target:
    """Grow phi_t on the support images of one or more rare classes.

    First ``steps`` plain steps from ``initial``, or from the start that the recipe names, then
    ``tune_steps`` with the GEMs plugged in; ``seconds`` cuts both short, in proportion. Where the
    recipe has it early, the last part ends once it gets no better, and its best moment is kept.
    GEMs that learned from domain episodes are then plugged in at the strength that is best.

    Returns:
        The averaged generator and GEMs, in evaluation mode.
    """
    options, engine, log = recipe.target, session.engine, log or TrainingLog()
    # A random start has no statistics yet that batch norm could keep.
    train_norm = options.train_norm or options.start == "random"
    torch.manual_seed(session.seed)
    start = copy.deepcopy(initial) if initial else bundle_weights(bundle, recipe)
    nets, critic = GeneratorWithGems(start.generator), start.critic
    classifier = engine.place(start.classifier).add(support)
    pairs = PairSampler(support, engine.device, session.seed, jitter=options.jitter)
    phases = [Phase("target", "learning the rare images", options.steps)]
    if options.gems:
        phases.append(Phase("target_gems", "fine-tuning with GEMs", options.tune_steps))
    total = max(sum(phase.steps for phase in phases), 1)
    chosen = options.gem_strength and has_domain_gems(bundle)
    watch = None
    if options.evaluate_every or chosen:
        watch = EarlyStopping(
            support, bundle, classifier, session, options.evaluate_every, usual=start.diversity
        )
    taken = 0
    for turn, phase in enumerate(phases):
        if phase.name == "target_gems" or options.train == "gems":
            nets.gems = nets.gems or load_gems(bundle, recipe)
        _freeze(nets, options.train)
        trainer = GanTrainer(
            nets,
            critic,
            options.model_copy(update={"steps": phase.steps}),
            session.seeded(session.seed + turn),
            classifier=classifier,
            train_norm=train_norm,
        )
        limit = None if seconds is None else seconds * phase.steps / total
        early = watch if options.evaluate_every and phase is phases[-1] else None
        nets, steps = _run(trainer, pairs, replace(phase, seconds=limit), log, early)
        taken += steps
    choice = GemChoice(1.0) if nets.gems else None
    if watch is not None:
        if not watch.every:
            watch.evaluate(nets, taken)
        nets = _best(watch, session)
        if chosen:
            choice = watch.plug_in(nets.gems or engine.place(load_gems(bundle, recipe)))
            session.progress.say(choice.describe())
            nets = watch.found[1]
    nets.eval().requires_grad_(False)
    limits = acceptance_thresholds(classifier, support, start.similarity)
    evaluations = tuple(watch.evaluations) if watch else ()
    best = watch.best[0] if watch and watch.best else None
    return Target(nets.generator, nets.gems, classifier, limits, taken, evaluations, best, choice)


def acceptance_thresholds(
    classifier: PrototypeClassifier, support: ImageSet, usual: float
) -> tuple[float, ...]:
    """The class similarity that a draw must have: the usual one, that real images nearly all have.

    Where the images of a rare class are less like one another, as like as the least of them.
    """
    limits = []
    for label in range(len(support.classes)):
        pixels = support.pixels[support.labels == label]
        least = float(classifier.leave_one_out(pixels).min()) if len(pixels) > 1 else usual
        limits.append(min(usual, least))
    return tuple(limits)


def _freeze(nets: GeneratorWithGems, train: str) -> None:
    """Let only those layers learn that ``target.train`` names, and GEMs."""
    generator = nets.generator
    nets.gems.requires_grad_(True)
    generator.requires_grad_(train == "all")
    parts = {"decoder": ["noise", "decoder", "head", "flow"], "head": ["head"]}
    for name, part in generator.named_children():
        if name in parts.get(train, []):
            part.requires_grad_(True)


def _run(
    trainer: GanTrainer,
    pairs: PairSampler,
    phase: Phase,
    log: TrainingLog,
    stopping: EarlyStopping | None,
) -> tuple[GeneratorWithGems, int]:
    """Train, and return the averaged networks to use and after how many steps they were so."""
    if stopping is None:
        return trainer.averaged, trainer.train(pairs, phase, log)

    def evaluate(done: int) -> bool:
        seen = stopping.evaluate(trainer.averaged, done)
        log.write(done, evaluation={**asdict(seen), "acceptable": seen.acceptable})
        return stopping.enough

    trainer.train(pairs, phase, log, [Every(stopping.every, evaluate, first=True)])
    best, nets = stopping.found
    return nets, best.steps


def _best(watch: EarlyStopping, session: Session) -> GeneratorWithGems:
    """The best that was seen, its latents longer where it varies too little."""
    scale = watch.widen() if watch.every else 1.0
    best, nets = watch.found
    longer = f", latents {scale:g} times as long" if scale > 1 else ""
    session.progress.say(f"best after {best.steps} steps{longer}; {best.describe()}")
    return nets


def plain(options: TargetOptions) -> TargetOptions:
    """The same training with no GEM and as many steps: phi_t^plain, the fair control."""
    changed: dict[str, object] = {"gem_strength": False}
    if options.train == "gems":
        changed["train"] = "all"
    if options.gems:
        changed |= {"gems": False, "steps": options.steps + options.tune_steps}
    return options.model_copy(update=changed)
