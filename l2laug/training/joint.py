"""The user's own base classes, learned along with the rare ones before these are tuned."""

from __future__ import annotations

import copy
import time
from collections.abc import Sequence

import numpy as np
import torch

from l2laug.artifacts.bundle import Bundle
from l2laug.config.recipe import Recipe
from l2laug.core.progress import Progress
from l2laug.data.image_set import ImageSet
from l2laug.features.extractor import bundle_extractor
from l2laug.metrics.diversity import mean_diversity
from l2laug.runtime.device import Engine
from l2laug.training.gan_step import Adversary
from l2laug.training.initial_weights import InitialWeights, bundle_weights
from l2laug.training.pairs import PairSampler
from l2laug.training.registration import Registration


def train_jointly(
    rare: Sequence[ImageSet],
    base: ImageSet,
    bundle: Bundle,
    recipe: Recipe,
    engine: Engine,
    progress: Progress,
    seed: int = 0,
    seconds: float | None = None,
) -> InitialWeights:
    """Bring phi_s1 to the user's images: go on training it on the base and the rare classes.

    All classes are drawn equally often, so that the few rare images are learned in the company of
    many, which show how images of this kind look and how far those of a class differ.

    Args:
        rare: the rare classes.
        base: of classes with other names, as :func:`read_base_classes` reads them.
        bundle: to start from.
        recipe: its ``base`` part says how long.
        engine: device and precision.
        progress: where to show how far it is.
        seed: of everything random.
        seconds: the longest it may take.
    """
    torch.manual_seed(seed)
    initial = bundle_weights(bundle, recipe)
    # Those who tune a rare class tell this classifier of it anew.
    classifier = engine.place(copy.deepcopy(initial.classifier)).add(base)
    everything = together([*rare, base])
    adversary = Adversary(
        initial.generator,
        initial.critic,
        recipe.base,
        engine,
        seed,
        classifier=engine.place(initial.classifier).add(everything),
        class_consistency=recipe.base.class_consistency if recipe.generator.conditioned else 0.0,
        registration=Registration.of(recipe.base, recipe),
        train_norm=recipe.target.start == "random",
    )
    pairs = PairSampler(everything, engine.device, seed)
    title = f"learning {len(everything.classes)} classes together"
    start = time.monotonic()
    with progress.task(title, recipe.base.steps) as advance:
        while adversary.done < recipe.base.steps:
            if seconds is not None and time.monotonic() - start > seconds:
                progress.say(f"{title}: stopped by --budget after {adversary.done} steps")
                break
            adversary.step(pairs)
            advance()
    if np.bincount(base.labels).max() > 1:
        features = bundle_extractor(bundle)(base.pixels)
        diversity, similarity = (
            mean_diversity(features, base.labels),
            classifier.usual_similarity(base),
        )
    else:
        diversity, similarity = initial.diversity, initial.similarity
    return InitialWeights(adversary.average, adversary.critic, classifier, diversity, similarity)


def together(sets: Sequence[ImageSet]) -> ImageSet:
    """Classes of several sets as one set."""
    before = np.cumsum([0, *(len(s.classes) for s in sets)])
    return ImageSet(
        np.concatenate([s.pixels for s in sets]),
        np.concatenate([s.labels + n for s, n in zip(sets, before, strict=False)]),
        tuple(name for s in sets for name in s.classes),
        tuple(path for s in sets for path in s.paths),
    )
