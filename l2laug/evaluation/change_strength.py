"""How far each part of a change may go: as far as what it makes still passes for the class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from l2laug.core.arrays import Features, Pixels, to_unit
from l2laug.data.images.originals import Original, resized
from l2laug.features.general import SIDE, GeneralNet, general_features
from l2laug.nn.changes.generator import PARTS, ChangeGenerator
from l2laug.sampling.apply_change import Change, apply_change

STRENGTHS = (1.0, 0.75, 0.5, 0.25)  # tried from the largest on; what none passes is left out
DRAWS = 24  # looked at for each
LOOKED_AT = 256  # pixels of the longer side of originals
SHARPEST, BLURRIEST = 1.3, 0.8  # of the originals' mean squared Laplacian
CONTRAST = (0.8, 1.25)  # of the originals' deviation of brightness
SLACK = 1.0  # deviations of real images by which the mean similarity of draws may be less
ALONE = 0.25  # cosine distance to the one image there is, at most


@dataclass(frozen=True)
class StrengthEvaluation:
    """What was seen of draws at some strengths.

    Attributes:
        strength: of affine motion, flow, tone and drawn difference.
        similarity: mean cosine of draws to the mean of the class's other images; to their original
            where there is one image.
        wanted: what it has to reach, from the real images themselves.
        sharpness: mean squared Laplacian of draws over their originals', the median.
        contrast: the same of the deviation of brightness.
    """

    strength: tuple[float, ...]
    similarity: float
    wanted: float
    sharpness: float
    contrast: float

    @property
    def acceptable(self) -> bool:
        """Whether draws look like their class, are as sharp and of as much contrast."""
        return (
            self.similarity >= self.wanted
            and BLURRIEST <= self.sharpness <= SHARPEST
            and CONTRAST[0] <= self.contrast <= CONTRAST[1]
        )


@dataclass(frozen=True)
class StrengthChoice:
    """The strengths to draw with.

    Attributes:
        strength: of affine motion, flow, tone and drawn difference; 0 leaves a part out.
        evaluations: everything that was looked at, in order.
        notes: what could not be told.
    """

    strength: tuple[float, ...]
    evaluations: tuple[StrengthEvaluation, ...]
    notes: tuple[str, ...]


def choose_strength(
    generator: ChangeGenerator,
    support: Pixels,
    originals: Sequence[Original],
    net: GeneralNet,
    seed: int = 0,
) -> StrengthChoice:
    """For each part in turn the largest strength whose draws pass, those before it as chosen.

    Args:
        generator: decides the changes.
        support: uint8 ``(N, C, S, S)``, what it sees of the rare images.
        originals: the images themselves, which the changes are applied to.
        net: the general net, which looks at what comes out.
        seed: of the latents.
    """
    looker = _Looker(generator, support, originals, net, seed)
    notes = []
    if len(support) < 2:
        notes.append(
            "With one image nothing tells how far its class varies: draws may lie no farther than "
            f"{ALONE:g} (cosine distance of general features) from it."
        )
    chosen, seen = [0.0] * len(PARTS), list[StrengthEvaluation]()
    for i, part in enumerate(PARTS):
        if not getattr(generator.change, part):
            continue
        for strength in STRENGTHS:
            tried = [*chosen[:i], strength, *chosen[i + 1 :]]
            seen.append(looker.evaluate(tuple(tried)))
            if seen[-1].acceptable:
                chosen = tried
                break
    return StrengthChoice(tuple(chosen), tuple(seen), tuple(notes))


class _Looker:
    """Draws with any strengths from the same latents, and looks at what comes out."""

    def __init__(
        self,
        generator: ChangeGenerator,
        support: Pixels,
        originals: Sequence[Original],
        net: GeneralNet,
        seed: int,
    ) -> None:
        self.generator, self.net = generator.eval(), net
        self.rows = np.arange(max(DRAWS, len(support))) % len(support)
        self.given = torch.from_numpy(to_unit(support))[self.rows]
        random = torch.Generator().manual_seed(seed)
        self.latents = torch.randn(len(self.rows), generator.options.latent, generator=random)
        self.originals = [_small(original) for original in originals]
        real = self._directions([original.pixels for original in self.originals])
        self.real = real
        self.sharp = np.array([sharpness(o.pixels) for o in self.originals])
        self.deviation = np.array([_deviation(o.pixels) for o in self.originals])
        own = self._to_others(real, np.arange(len(real)))
        alone = len(real) < 2
        self.wanted = 1 - ALONE if alone else float(own.mean() - SLACK * own.std())

    @torch.no_grad()
    def evaluate(self, strength: tuple[float, ...]) -> StrengthEvaluation:
        """Draw at these strengths, apply to the originals and measure."""
        found = self.generator(self.given, self.latents, torch.tensor(strength))
        pictures = []
        for k, row in enumerate(self.rows):
            parts = (found.grid[k], found.tone[k], found.difference[k])
            change = Change(*(part.float().numpy() for part in parts))
            original = self.originals[row]
            pictures.append(apply_change(original.pixels, change, original.colours))
        sharp = np.array([sharpness(p) for p in pictures]) / (self.sharp[self.rows] + 1e-9)
        deviation = np.array([_deviation(p) for p in pictures])
        return StrengthEvaluation(
            strength,
            float(self._to_others(self._directions(pictures), self.rows).mean()),
            self.wanted,
            float(np.median(sharp)),
            float(np.median(deviation / (self.deviation[self.rows] + 1e-9))),
        )

    def _to_others(self, directions: Features, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Cosine of each to the mean of the images it does not come from, or to the only one."""
        if len(self.real) < 2:
            return np.asarray((directions * self.real[rows]).sum(1))
        others = self.real.sum(0) - self.real[rows]
        others /= np.linalg.norm(others, axis=1, keepdims=True)
        return np.asarray((directions * others).sum(1))

    def _directions(self, pictures: Sequence[NDArray[np.uint8]]) -> Features:
        squares = [resized(p, SIDE, SIDE) for p in pictures]
        pixels = np.stack([_colours(p) for p in squares])
        found = general_features(self.net, pixels)
        directions: Features = found / np.linalg.norm(found, axis=1, keepdims=True)
        return directions


def sharpness(pixels: NDArray[np.uint8]) -> float:
    """Mean squared Laplacian of a picture's brightness, ``(H, W, C)``."""
    return float((ndimage.laplace(pixels.astype(np.float32).mean(2)) ** 2).mean())


def _deviation(pixels: NDArray[np.uint8]) -> float:
    return float(pixels.astype(np.float32).mean(2).std())


def _small(original: Original) -> Original:
    """An original of 8 bits whose longer side is at most :data:`LOOKED_AT`."""
    pixels, kind = original.pixels, original.pixels.dtype
    top = 1.0 if kind.kind == "f" else float(np.iinfo(kind).max)
    eight = np.rint(pixels[..., : original.colours] * (255 / top)).astype(np.uint8)
    longest = max(original.size)
    if longest > LOOKED_AT:
        w, h = (max(1, round(side * LOOKED_AT / longest)) for side in original.size)
        eight = resized(eight, w, h)
    return Original(eight, original.colours)


def _colours(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(H, W, C)`` as ``(3, H, W)``; other than three channels become their mean."""
    if pixels.shape[2] != 3:
        mean = pixels.astype(np.float32).mean(2, keepdims=True)
        pixels = np.repeat(np.rint(mean).astype(np.uint8), 3, 2)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
