"""The user's own plentiful classes, learned along with the rare ones before these are tuned."""

from __future__ import annotations

import copy
import time
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch

from l2laug.bundles import Bundle
from l2laug.card import SHORT
from l2laug.errors import ImageError
from l2laug.images import ImageSet, pixel_hash, read_classes
from l2laug.nn.device import Engine
from l2laug.parts import with_parts
from l2laug.progress import Progress
from l2laug.recipe import CommonOptions, Recipe
from l2laug.scoring.diversity import mean_spread
from l2laug.scoring.features import bundle_extractor
from l2laug.sources import source_classes
from l2laug.training.adversarial import Adversary
from l2laug.training.origin import Origin, bundle_origin
from l2laug.training.pairs import PairSampler
from l2laug.training.registration import Registration

SHARE = 0.7  # of each common class; what is left is for tests


def read_common(
    folder: Path,
    rare: Path,
    names: Collection[str],
    bundle: Bundle,
    options: CommonOptions,
    seed: int,
    progress: Progress,
    *,
    parts: int = 1,
) -> ImageSet:
    """Some of the images of plentiful classes, at the bundle's size.

    Seven in ten of each class, so that others are left to test a classifier on, and no more images
    and classes than the recipe says.

    Args:
        folder: class folders; those that lie in ``rare`` or are called as a rare class are left
            out.
        rare: the folder of the rare class, or of several.
        names: of the rare classes.
        bundle: size and channels of the images.
        options: how many to take.
        seed: of which are taken.
        progress: where to name what can't be read.
        parts: into how many classes each folder is split, see :mod:`l2laug.parts`.

    Raises:
        ImageError: no class is left with two images or more.
    """
    random, chosen = np.random.default_rng(seed), {}
    classes = source_classes(folder, rare)
    files = {c: f for c, f in classes.items() if len(f) > 1 and c not in names}
    if not files:
        raise ImageError(
            f"No common class in {folder} has two images or more.", "Name plentiful classes."
        )
    for name in sorted(random.permutation(sorted(files))[: options.classes]):
        mine = files[str(name)]
        count = min(options.images, max(round(SHARE * len(mine)), 1))
        chosen[str(name)] = [mine[i] for i in np.sort(random.permutation(len(mine))[:count])]
    images = read_classes(chosen, bundle.size, bundle.channels)
    for path, reason in images.skipped:
        progress.say(f"note: left out {path}: {reason}")
    return with_parts(images, parts, seed)


def common_hashes(images: ImageSet) -> tuple[str, ...]:
    """The beginnings of the images' hashes, as a model's card names them, sorted."""
    return tuple(sorted({pixel_hash(p)[:SHORT] for p in images.pixels}))


def learn_common(
    rare: Sequence[ImageSet],
    common: ImageSet,
    bundle: Bundle,
    recipe: Recipe,
    engine: Engine,
    progress: Progress,
    seed: int = 0,
    seconds: float | None = None,
) -> Origin:
    """Bring phi_s1 to the user's images: go on training it on the common and the rare classes.

    All classes are drawn equally often, so that the few rare images are learned in the company of
    many, which show how images of this kind look and how far those of a class differ.

    Args:
        rare: the rare classes.
        common: of classes with other names, as :func:`read_common` reads them.
        bundle: to start from.
        recipe: its ``common`` part says how long.
        engine: device and precision.
        progress: where to show how far it is.
        seed: of everything random.
        seconds: the longest it may take.
    """
    torch.manual_seed(seed)
    origin = bundle_origin(bundle, recipe)
    # Those who tune a rare class tell this guide of it anew.
    guide = engine.place(copy.deepcopy(origin.guide)).add(common)
    everything = _together([*rare, common])
    adversary = Adversary(
        origin.generator,
        origin.critic,
        recipe.common,
        engine,
        seed,
        guide=engine.place(origin.guide).add(everything),
        identity=recipe.common.identity if recipe.generator.conditioned else 0.0,
        registration=Registration.of(recipe.common, recipe),
        train_norm=recipe.target.start == "random",
    )
    pairs = PairSampler(everything, engine.device, seed)
    title = f"learning {len(everything.classes)} classes together"
    start = time.monotonic()
    with progress.task(title, recipe.common.steps) as advance:
        while adversary.done < recipe.common.steps:
            if seconds is not None and time.monotonic() - start > seconds:
                progress.say(f"{title}: stopped by --budget after {adversary.done} steps")
                break
            adversary.step(pairs)
            advance()
    if np.bincount(common.labels).max() > 1:
        features = bundle_extractor(bundle)(common.pixels)
        spread, likeness = mean_spread(features, common.labels), guide.usual_likeness(common)
    else:
        spread, likeness = origin.spread, origin.likeness
    return Origin(adversary.average, adversary.critic, guide, spread, likeness)


def _together(sets: Sequence[ImageSet]) -> ImageSet:
    before = np.cumsum([0, *(len(s.classes) for s in sets)])
    return ImageSet(
        np.concatenate([s.pixels for s in sets]),
        np.concatenate([s.labels + n for s, n in zip(sets, before, strict=False)]),
        tuple(name for s in sets for name in s.classes),
        tuple(path for s in sets for path in s.paths),
    )
