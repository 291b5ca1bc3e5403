"""Do the samples help? A timm classifier trained without and with them, on the same schedule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from l2laug import __version__
from l2laug.classification.arms import ARMS, Arm
from l2laug.classification.augmentation import augment
from l2laug.classification.backbones import build_classifier, weights_hash
from l2laug.classification.predictions import Trained
from l2laug.classification.results_cache import ResultsCache
from l2laug.classification.study import Study, StudyData
from l2laug.core.hashing import array_hash, key_of
from l2laug.core.progress import Advance, Progress
from l2laug.nn.batches import to_batch
from l2laug.nn.predict import predict
from l2laug.runtime.device import Engine
from l2laug.training.feature_net import Schedule, classifier_step


def run_study(
    data: StudyData,
    study: Study,
    engine: Engine,
    progress: Progress,
    cache: ResultsCache | None = None,
    arms: Sequence[Arm] = ARMS,
    shares: Sequence[float] = (),
) -> list[Trained]:
    """Train every arm with every seed and see what it makes of the test images.

    Args:
        data: the images.
        study: model and schedule.
        engine: device and precision.
        progress: where to show how far it is.
        cache: finished trainings; those in it are not repeated.
        arms: the ways to train; all of them by default.
        shares: of samples, in arms that have them; the study's own by default.

    Raises:
        UsageError: timm has no such model, or it can't take images of this size.
        BundleError: its weights are missing or do not fit.
    """
    cache = cache or ResultsCache(None)
    about_data = {
        "train": array_hash(data.train.pixels) + array_hash(data.train.labels),
        "test": array_hash(data.test.pixels),
        "rare": data.train.classes.index(data.rare),
        "classes": len(data.train.classes),
    }
    jobs = [
        (arm, seed, share)
        for seed in range(study.seeds)
        for arm in arms
        for share in ((shares or (study.share,)) if arm.samples else (0.0,))
    ]
    drawn_hash = array_hash(data.samples)
    results = []
    with progress.task("classifier", len(jobs) * study.steps) as advance:
        for arm, seed, share in jobs:
            about = {"arm": arm.name, "seed": seed, "share": share, **_settings(study, engine)}
            key = key_of({**about, **about_data, "samples": drawn_hash if arm.samples else ""})
            guesses = cache.find(key)
            if guesses is None:
                net = _train(data, arm, share, study, engine, seed, advance)
                guesses = predict(net, data.test.pixels, engine.device).argmax(1).numpy()
                cache.keep(key, about, guesses)
            else:
                advance(study.steps, note=f"{arm.name}, seed {seed}: done before")
            results.append(Trained(arm.name, seed, share, guesses))
    return results


def _settings(study: Study, engine: Engine) -> dict[str, object]:
    """What a training depends on besides its arm, seed and images."""
    return {
        "model": study.model,
        "weights": weights_hash(study.model),
        "steps": study.steps,
        "batch": study.batch,
        "learning_rate": study.learning_rate,
        "engine": engine.describe(),
        "versions": [__version__, torch.__version__, timm.__version__],
    }


def _train(
    data: StudyData,
    arm: Arm,
    share: float,
    study: Study,
    engine: Engine,
    seed: int,
    advance: Advance,
) -> nn.Module:
    torch.manual_seed(seed)
    net = engine.place(build_classifier(study.model, data.train)).train()
    schedule = Schedule(study.steps, study.learning_rate, 0.05, fused=True)
    learn = classifier_step(net, schedule, engine)
    changes = torch.Generator().manual_seed(seed)
    for x, labels in _batches(data, arm, share, study, seed):
        unit = augment(x, changes, engine.device) if arm.classical else to_batch(x, engine.device)
        learn(unit, labels)
        advance(note=f"{arm.name}, seed {seed}")
    return net.eval()


def _batches(
    data: StudyData, arm: Arm, share: float, study: Study, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """uint8 images ``(batch, C, S, S)`` and their labels, one pair a step.

    Every arm draws the same numbers and uses those that it needs. So the arms of a seed see the
    same images in the same order, but where a repeated image of the rare class takes the place of
    a base one, and a sample the place of that.
    """
    train, samples, random = data.train, data.samples, np.random.default_rng(seed)
    mine = np.flatnonzero(train.labels == train.classes.index(data.rare))
    lift = _lift(len(mine) / len(train.labels), 1 / len(train.classes)) if arm.balanced else 0.0
    for _ in range(study.steps):
        rows = random.integers(len(train.labels), size=study.batch)
        repeats = mine[random.integers(len(mine), size=study.batch)]
        rows = np.where(random.random(study.batch) < lift, repeats, rows)
        pictures = train.pixels[rows]
        swap: NDArray[np.bool_] = random.random(study.batch) < (share if arm.samples else 0)
        picks = random.integers(len(samples), size=study.batch)
        swap &= np.isin(rows, mine)
        pictures[swap] = samples[picks[swap]]
        yield torch.from_numpy(pictures), torch.from_numpy(train.labels[rows])


def _lift(has: float, wanted: float) -> float:
    """The share of draws to turn into the rare class, so that it gets ``wanted`` of them all."""
    return max(0.0, (wanted - has) / (1 - has))
