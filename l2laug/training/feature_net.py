"""Train the feature net on the source classes, under random affine changes."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F

from l2laug.config.recipe import FeatureOptions
from l2laug.core.progress import Progress
from l2laug.data.image_set import ImageSet
from l2laug.nn.augment import random_affine
from l2laug.nn.batches import to_batch
from l2laug.nn.feature_net import FeatureNet
from l2laug.runtime.device import Engine


def train_features(
    images: ImageSet,
    options: FeatureOptions,
    engine: Engine,
    progress: Progress,
    seed: int = 0,
    *,
    title: str = "feature net",
) -> FeatureNet:
    """Train a classifier of all classes of ``images``; returns it in evaluation mode."""
    torch.manual_seed(seed)
    net = FeatureNet(images.pixels.shape[1], options.width, len(images.classes))
    engine.place(net).train()
    optimiser = torch.optim.AdamW(net.parameters(), options.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, options.learning_rate, max(options.steps, 2)
    )
    pixels = torch.from_numpy(images.pixels).to(engine.device)
    labels = torch.from_numpy(images.labels).to(engine.device)
    random = np.random.default_rng(seed)
    changes = torch.Generator().manual_seed(seed)
    with progress.task(title, options.steps) as advance:
        for _ in range(options.steps):
            rows = torch.from_numpy(random.integers(len(pixels), size=options.batch))
            rows = rows.to(engine.device)
            x = random_affine(to_batch(pixels[rows], engine.device), changes)
            with engine.autocast():
                scores = net(x.contiguous(memory_format=torch.channels_last))
            loss = F.cross_entropy(scores.float(), labels[rows], label_smoothing=0.1)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            schedule.step()
            advance(note=f"loss {loss.item():.2f}")
    return net.eval()
