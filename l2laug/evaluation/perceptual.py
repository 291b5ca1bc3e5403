"""Perceptual diversity: how far the images of a set lie apart in LPIPS, beside real images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from l2laug.core.arrays import Pixels
from l2laug.core.errors import BundleError
from l2laug.core.extras import missing_extra
from l2laug.core.hashing import file_hash
from l2laug.evaluation.scores import LEVEL, Measure
from l2laug.features.resizing import resized
from l2laug.runtime.device import pick_engine

SIDE = 64  # that images are resized to: of the patches that LPIPS was learned on
MOST = 50  # images of either side, each compared with each
NEEDS = 20  # with fewer, which images there are tells more than how they differ
BATCH = 128  # pairs
DRAWS = 1000  # of the bootstrap
WEIGHTS = "alexnet-owt-7be5be79.pth, torchvision's AlexNet for ImageNet,"

Distances = NDArray[np.float64]
Distance = Callable[[Pixels, Pixels], Distances]


def lpips_distance(weights: Path, device: str = "auto") -> Distance:
    """LPIPS (Zhang et al. 2018, version 0.1 on AlexNet) of pairs of uint8 images.

    Args:
        weights: torchvision's state dict of AlexNet; the linear layers come with ``lpips``.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        MissingExtraError: ``lpips`` is not installed.
        BundleError: the weights are missing, can't be read or do not fit.
    """
    try:
        import lpips
    except ModuleNotFoundError as error:
        raise missing_extra(error) or error from None
    if not weights.is_file():
        raise BundleError(f"--lpips: no weights at {weights}.", f"Put {WEIGHTS} there.")
    place = pick_engine(device).device
    net = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    try:
        state = torch.load(weights, map_location="cpu", weights_only=True)
        # lpips cuts AlexNet's features in slices, whose layers keep their numbers.
        own = {name: f"features.{name.partition('.')[2]}" for name in net.net.state_dict()}
        net.net.load_state_dict({name: state[theirs] for name, theirs in own.items()})
    except Exception as error:  # a file of another kind fails in many ways
        raise BundleError(
            f"{weights} holds no weights of torchvision's AlexNet.", f"Give {WEIGHTS} to --lpips."
        ) from error
    net = net.eval().requires_grad_(False).to(place)

    @torch.no_grad()
    def distance(one: Pixels, other: Pixels) -> Distances:
        parts = []
        for start in range(0, len(one), BATCH):
            pair = (resized(p[start : start + BATCH], SIDE) * 2 - 1 for p in (one, other))
            parts.append(net(*(p.to(place) for p in pair)).flatten().double().cpu().numpy())
        return np.concatenate(parts)

    return distance


def perceptual_diversity(
    drawn: Pixels, real: Pixels, weights: Path, device: str = "auto", seed: int = 0
) -> Measure | None:
    """Mean LPIPS between samples, beside that between as many real images, with 90% intervals.

    The intervals are of the bootstrap over images. None where there are fewer than two of either.

    Raises:
        MissingExtraError: ``lpips`` is not installed.
        BundleError: the weights are missing, can't be read or do not fit.
    """
    distance = lpips_distance(weights, device)
    count = min(len(drawn), len(real), MOST)
    if count < 2:
        return None
    random = np.random.default_rng(seed)
    found: list[Any] = []
    for pixels in (drawn, real):
        chosen = pixels[random.choice(len(pixels), count, replace=False)]
        rows, columns = np.triu_indices(count, 1)
        found.append(mean_with_range(distance(chosen[rows], chosen[columns]), count, random))
    (ours, low, high), (baseline, baseline_low, baseline_high) = found
    reading = LEVEL
    if high < baseline_low:
        reading = "samples vary less than real images"
    elif low > baseline_high:
        reading = "samples vary more than real images"
    return Measure(
        name="lpips",
        value=ours,
        low=low,
        high=high,
        baseline=baseline,
        baseline_low=baseline_low,
        baseline_high=baseline_high,
        samples=count,
        real=count,
        extractor="LPIPS 0.1, AlexNet",
        sha256=file_hash(weights),
        resizing=f"to {SIDE}x{SIDE}, bicubic, antialiased",
        reading=reading,
        too_small="" if count >= NEEDS else f"It takes {NEEDS} real images and {NEEDS} samples.",
    )


def mean_with_range(
    distances: Distances, count: int, random: np.random.Generator
) -> tuple[float, float, float]:
    """The mean of the distances between images, and what 90% of the bootstraps give.

    Args:
        distances: of pairs ``i < j`` of ``count`` images, row by row.
        count: of the images, at least 2.
        random: draws the bootstraps. An image drawn twice makes no pair with itself.
    """
    matrix = np.zeros((count, count))
    matrix[np.triu_indices(count, 1)] = distances
    matrix += matrix.T
    weights = random.multinomial(count, np.full(count, 1 / count), DRAWS).astype(np.float64)
    sums = ((weights @ matrix) * weights).sum(1)
    pairs = weights.sum(1) ** 2 - (weights**2).sum(1)
    means = sums[pairs > 0] / pairs[pairs > 0]
    low, high = np.quantile(means, [0.05, 0.95])
    return float(distances.mean()), float(low), float(high)
