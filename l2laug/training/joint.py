"""The user's own base classes, learned along with the rare ones before these are tuned."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch

from l2laug.artifacts.bundle import Bundle
from l2laug.artifacts.training_log import TrainingLog
from l2laug.config.recipe import Recipe
from l2laug.data.image_set import ImageSet
from l2laug.features.extractor import bundle_extractor
from l2laug.metrics.diversity import mean_diversity
from l2laug.runtime.session import Session
from l2laug.training.gan_step import GanTrainer, GeneratorWithGems
from l2laug.training.initial_weights import InitialWeights, bundle_weights
from l2laug.training.loop import Phase
from l2laug.training.pairs import PairSampler
from l2laug.training.registration import Registration


def train_jointly(
    rare: Sequence[ImageSet],
    base: ImageSet,
    bundle: Bundle,
    recipe: Recipe,
    session: Session,
    *,
    seconds: float | None = None,
    log: TrainingLog | None = None,
) -> InitialWeights:
    """Bring phi_s1 to the user's images: go on training it on the base and the rare classes.

    All classes are drawn equally often, so that the few rare images are learned in the company of
    many, which show how images of this kind look and how far those of a class differ.

    Args:
        rare: the rare classes.
        base: of classes with other names, as :func:`read_base_classes` reads them.
        bundle: to start from.
        recipe: its ``base`` part says how long.
        session: device, progress and seed.
        seconds: the longest it may take.
        log: where losses are kept.

    Raises:
        RecipeError: the training diverged.
        BundleError: the bundle is damaged.
    """
    engine = session.engine
    torch.manual_seed(session.seed)
    initial = bundle_weights(bundle, recipe)
    # Those who tune a rare class tell this classifier of it anew.
    classifier = engine.place(copy.deepcopy(initial.classifier)).add(base)
    everything = together([*rare, base])
    unconditioned = {} if recipe.generator.conditioned else {"class_consistency": 0.0}
    trainer = GanTrainer(
        GeneratorWithGems(initial.generator),
        initial.critic,
        recipe.base.model_copy(update=unconditioned),
        session,
        classifier=engine.place(initial.classifier).add(everything),
        registration=Registration.of(recipe.base, recipe),
        train_norm=recipe.target.start == "random",
    )
    pairs = PairSampler(everything, engine.device, session.seed)
    title = f"learning {len(everything.classes)} classes together"
    trainer.train(pairs, Phase("base", title, recipe.base.steps, seconds=seconds), log)
    if np.bincount(base.labels).max() > 1:
        features = bundle_extractor(bundle)(base.pixels)
        diversity, similarity = (
            mean_diversity(features, base.labels),
            classifier.usual_similarity(base),
        )
    else:
        diversity, similarity = initial.diversity, initial.similarity
    return InitialWeights(trainer.average, trainer.critic, classifier, diversity, similarity)


def together(sets: Sequence[ImageSet]) -> ImageSet:
    """Classes of several sets as one set."""
    before = np.cumsum([0, *(len(s.classes) for s in sets)])
    return ImageSet(
        np.concatenate([s.pixels for s in sets]),
        np.concatenate([s.labels + n for s, n in zip(sets, before, strict=False)]),
        tuple(name for s in sets for name in s.classes),
        tuple(path for s in sets for path in s.paths),
    )
