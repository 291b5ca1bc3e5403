"""Few-shot classification: the error on unseen images of a net that learned from a few."""

from __future__ import annotations

import numpy as np
import torch

from l2laug.data.image_set import ImageSet
from l2laug.nn.augment import random_affine
from l2laug.nn.batches import to_batch
from l2laug.nn.feature_net import FeatureNet
from l2laug.nn.predict import predict
from l2laug.runtime.device import Engine
from l2laug.training.feature_net import Schedule, classifier_step

WIDTH = 32
STEPS = 1000
BATCH = 64
RATE = 2e-3


def few_shot_error(
    support: ImageSet,
    more: ImageSet | None,
    test: ImageSet,
    engine: Engine,
    seed: int = 0,
    *,
    steps: int = STEPS,
) -> float:
    """Train a small net under affine augmentation and test it; the share of wrong answers, 0 to 1.

    With ``more``, half of each batch is of them. Schedule, start, augmentation and the classes of
    each batch are the same with and without.

    Args:
        support: the few real images of each class.
        more: images to learn from beside them, of the same classes; drawn ones, or real.
        test: other real images of the same classes.
        engine: where the net is trained.
        seed: of the net's start and of the batches.
        steps: of the training.
    """
    torch.manual_seed(seed)
    net = engine.place(FeatureNet(support.pixels.shape[1], WIDTH, len(support.classes))).train()
    learn = classifier_step(net, Schedule(steps, RATE, 0.05), engine)
    random = np.random.default_rng(seed)
    changes = torch.Generator().manual_seed(seed)
    for _ in range(steps):
        labels = random.integers(len(support.classes), size=BATCH)
        picks = random.random(BATCH)
        swap = np.arange(BATCH) % 2 == 0
        rows = []
        for label, pick, swapped in zip(labels, picks, swap, strict=True):
            source = support if more is None or not swapped else more
            mine = np.flatnonzero(source.labels == label)
            rows.append(source.pixels[mine[int(pick * len(mine))]])
        x = to_batch(torch.from_numpy(np.stack(rows)), engine.device)
        learn(random_affine(x, changes), torch.from_numpy(labels))
    guesses = predict(net.eval(), test.pixels, engine.device).argmax(1).numpy()
    return float((guesses != test.labels).mean())
