"""Target training: phi_t learns the rare images and borrows the GEMs (Algorithm 1, lines 3-5)."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from l2laug.artifacts.bundle import Bundle
from l2laug.config.recipe import Recipe, TargetOptions
from l2laug.core.progress import Progress
from l2laug.data.image_set import ImageSet
from l2laug.nn.gem import build_gems
from l2laug.nn.generator import Generator
from l2laug.nn.prototype_classifier import PrototypeClassifier
from l2laug.nn.weights import load_weights
from l2laug.runtime.device import Engine
from l2laug.training.early_stopping import EarlyStopping, TargetEvaluation
from l2laug.training.gan_step import Adversary, Pair
from l2laug.training.initial_weights import InitialWeights, bundle_weights
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
    """

    generator: Generator
    gems: nn.ModuleDict
    classifier: PrototypeClassifier
    limits: tuple[float, ...]
    steps: int
    evaluations: tuple[TargetEvaluation, ...] = ()
    kept: TargetEvaluation | None = None

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
    engine: Engine,
    progress: Progress,
    *,
    initial: InitialWeights | None = None,
    seed: int = 0,
    seconds: float | None = None,
) -> Target:
    """Grow phi_t on the support images of one or more rare classes.

    First ``steps`` plain steps from ``initial``, or from the start that the recipe names, then
    ``tune_steps`` with the GEMs plugged in; ``seconds`` cuts both short, in proportion. Where the
    recipe has it early, the last part ends once it gets no better, and its best moment is kept.

    Returns:
        The averaged generator and GEMs, in evaluation mode.
    """
    options = recipe.target
    # A random start has no statistics yet that batch norm could keep.
    train_norm = options.train_norm or options.start == "random"
    torch.manual_seed(seed)
    start = copy.deepcopy(initial) if initial else bundle_weights(bundle, recipe)
    generator, critic, gems = start.generator, start.critic, nn.ModuleDict()
    classifier = engine.place(start.classifier).add(support)
    pairs = PairSampler(support, engine.device, seed, jitter=options.jitter)
    phases = [("learning the rare images", options.steps, False)]
    if options.gems:
        phases.append(("fine-tuning with GEMs", options.tune_steps, True))
    total = max(sum(steps for _, steps, _ in phases), 1)
    stopping = None
    if options.evaluate_every:
        stopping = EarlyStopping(
            support,
            bundle,
            classifier,
            engine,
            seed,
            options.evaluate_every,
            usual=start.diversity,
        )
    taken = 0
    for title, steps, with_gems in phases:
        if with_gems:
            gems = build_gems(recipe.gems, recipe.generator)
            load_weights(gems, bundle.file("gems.safetensors"))
        _freeze(generator, options.train)
        limit = None if seconds is None else seconds * steps / total
        adversary = Adversary(
            generator,
            critic,
            options.model_copy(update={"steps": steps}),
            engine,
            seed + with_gems,
            gems=gems,
            classifier=classifier,
            class_consistency=options.class_consistency,
            train_norm=train_norm,
        )
        early = stopping if title == phases[-1][0] else None
        kept, done = _run(adversary, pairs, steps, limit, progress, title, early)
        taken += done
        generator, gems = kept.generator, kept.gems
    limits = acceptance_thresholds(classifier, support, start.similarity)
    generator.eval().requires_grad_(False)
    evaluations = tuple(stopping.evaluations) if stopping else ()
    best = stopping.best[0] if stopping and stopping.best else None
    return Target(generator, gems.eval(), classifier, limits, taken, evaluations, best)


def acceptance_thresholds(
    classifier: PrototypeClassifier, support: ImageSet, usual: float
) -> tuple[float, ...]:
    """How like its class a draw must be: as real images nearly all are, which is the usual limit.

    Where the images of a rare class are less like one another, as like as the least of them.
    """
    limits = []
    for label in range(len(support.classes)):
        pixels = support.pixels[support.labels == label]
        least = float(classifier.leave_one_out(pixels).min()) if len(pixels) > 1 else usual
        limits.append(min(usual, least))
    return tuple(limits)


def _freeze(generator: Generator, train: str) -> None:
    """Let only those layers learn that ``target.train`` names."""
    generator.requires_grad_(train == "all")
    parts = {"decoder": ["noise", "decoder", "head", "flow"], "head": ["head"]}
    for name, part in generator.named_children():
        if name in parts.get(train, []):
            part.requires_grad_(True)


def _run(
    adversary: Adversary,
    pairs: PairSampler,
    steps: int,
    limit: float | None,
    progress: Progress,
    title: str,
    stopping: EarlyStopping | None,
) -> tuple[Pair, int]:
    """Train, and return the averaged networks to use and after how many steps they were so."""
    start = time.monotonic()
    with progress.task(title, steps) as advance:
        if stopping:
            stopping.evaluate(adversary.averaged, 0)
        while adversary.done < steps:
            if limit is not None and time.monotonic() - start > limit:
                progress.say(f"{title}: stopped by --budget after {adversary.done} steps")
                break
            adversary.step(pairs)
            advance()
            if stopping and (adversary.done % stopping.every == 0 or adversary.done == steps):
                stopping.evaluate(adversary.averaged, adversary.done)
                if stopping.enough:
                    advance(steps - adversary.done)
                    break
    if stopping is None or stopping.best is None:
        return adversary.averaged, adversary.done
    scale = stopping.widen()
    best, nets = stopping.best
    longer = f", latents {scale:g} times as long" if scale > 1 else ""
    progress.say(
        f"{title}: best after {best.steps} of {adversary.done} steps{longer}; {best.describe()}"
    )
    return nets, best.steps


def plain(options: TargetOptions) -> TargetOptions:
    """The same training with no GEM and as many steps: phi_t^plain, the fair control."""
    if not options.gems:
        return options
    return options.model_copy(update={"gems": False, "steps": options.steps + options.tune_steps})
