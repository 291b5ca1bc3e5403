"""Do pictures still pass for the class of the originals that they were made from?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from l2laug.core.arrays import Features, directions
from l2laug.data.images.originals import Original, resized
from l2laug.features.general import SIDE, GeneralNet, general_features
from l2laug.sampling.render import render
from l2laug.sampling.sampler import Sampler

DRAWS = 24  # looked at
LOOKED_AT = 256  # pixels of the longer side of originals
SHARPEST, BLURRIEST = 1.3, 0.8  # of the originals' mean squared Laplacian
CONTRAST = (0.8, 1.25)  # of the originals' deviation of brightness
SLACK = 1.0  # deviations of real images by which the mean similarity of pictures may be less
# How much of the way from other things to the class itself drawn pictures have to come. Shapes that
# are drawn anew lie farther from the few originals than these changed do; those that a bundle draws
# which never learned the like have to be nearly as good as real ones, or as good.
NEAR_WAY, FAR_WAY, FARTHEST_WAY = 0.5, 0.8, 1.0
TWICE = 2.0  # times the limit of a bundle's own kind, from where on images are farthest
ALONE = 0.25  # cosine distance to the one image there is, at most
TELLS = (
    0.75  # share of foreign directions farther from a class than its own images are; .5 is chance
)
ANYTHING = -1.0  # a cosine that everything reaches
KEPT = {FAR_WAY: 1 - ALONE, FARTHEST_WAY: 0.9}  # cosine to the original, by the way to come
OTHERS = 90  # percentile of foreign similarities that pictures have to reach in any case


@dataclass(frozen=True)
class DrawQuality:
    """What was seen of pictures that were made from originals.

    Attributes:
        similarity: mean cosine, in features of the general net, to the mean of the class's other
            images; to their original where there is one image.
        wanted: what it has to reach, from the real images themselves.
        sharpness: mean squared Laplacian of pictures over their originals', the median.
        contrast: the same of the deviation of brightness.
        to_original: mean cosine to the original that each was made from.
        original_wanted: what that has to reach.
    """

    similarity: float
    wanted: float
    sharpness: float
    contrast: float
    to_original: float = 1.0
    original_wanted: float = ANYTHING

    @property
    def of_class(self) -> bool:
        """Whether the pictures look like their class, and like their originals where they must."""
        return self.similarity >= self.wanted and self.to_original >= self.original_wanted

    @property
    def acceptable(self) -> bool:
        """Whether they do, are as sharp and of as much contrast."""
        return (
            self.of_class
            and BLURRIEST <= self.sharpness <= SHARPEST
            and CONTRAST[0] <= self.contrast <= CONTRAST[1]
        )

    def describe(self) -> str:
        """In words, for errors."""
        wanted = "" if self.wanted == ANYTHING else f" of {self.wanted:.2f}"
        near = "" if self.original_wanted == ANYTHING else f" of {self.original_wanted:.2f}"
        return (
            f"similarity {self.similarity:.2f}{wanted}, "
            f"to their originals {self.to_original:.2f}{near}, "
            f"sharpness {self.sharpness:.2f}, contrast {self.contrast:.2f}"
        )


class DrawGauge:
    """Looks at pictures beside the originals that they were made from.

    Before its similarity is believed it has to get the originals right: each has to be nearer to
    the mean of the others than foreign images are. Where it does not, any similarity will do.

    Args:
        originals: of one class, 8 bits, see :func:`small`.
        net: the general net.
        foreign: features ``(M, D)`` of other things, of length one or less, see
            :func:`l2laug.evaluation.bundles.domain_distance.anything`; without them, or with a
            single original, the net is believed.
        way: how much of the way from the foreign to the originals' own similarity pictures have to
            come, 0 to 1; by default their similarity may be less by :data:`SLACK` deviations. From
            :data:`FAR_WAY` on each has to stay near to its own original as well, see :data:`KEPT`,
            for a class of unlike things tells little of what belongs to it.

    Attributes:
        wanted: the similarity that pictures have to reach.
        original_wanted: the similarity to their originals that they have to reach.
        tells: whether the net tells the originals from other things.
    """

    def __init__(
        self,
        originals: Sequence[Original],
        net: GeneralNet,
        foreign: Features | None = None,
        way: float | None = None,
    ) -> None:
        self.net, self.originals = net, originals
        self.real = self._directions([original.pixels for original in originals])
        self.sharp = np.array([sharpness(o.pixels) for o in originals])
        self.deviation = np.array([_deviation(o.pixels) for o in originals])
        own = self._to_others(self.real, np.arange(len(self.real)))
        alone = len(self.real) < 2
        self.wanted = 1 - ALONE if alone else float(own.mean() - SLACK * own.std())
        self.original_wanted = KEPT.get(way, ANYTHING) if way is not None else ANYTHING
        self.tells = True
        if foreign is not None and not alone:
            rows = range(len(own))
            others = np.stack([self._to_others(foreign, np.full(len(foreign), r)) for r in rows])
            self.tells = bool((own[:, None] > others).mean() >= TELLS)
            least = float(np.percentile(others, OTHERS))
            self.wanted = max(self.wanted, least)
            if way is not None:
                self.wanted = least + way * max(0.0, float(own.mean()) - least)
        if not self.tells:
            self.wanted = ANYTHING

    def look(self, pictures: Sequence[NDArray[np.uint8]], rows: NDArray[np.int64]) -> DrawQuality:
        """Measure pictures ``(H, W, C)``, each made from the original of its row."""
        sharp = np.array([sharpness(p) for p in pictures]) / (self.sharp[rows] + 1e-9)
        deviation = np.array([_deviation(p) for p in pictures])
        seen = self._directions(pictures)
        return DrawQuality(
            float(self._to_others(seen, rows).mean()),
            self.wanted,
            float(np.median(sharp)),
            float(np.median(deviation / (self.deviation[rows] + 1e-9))),
            float((seen * self.real[rows]).sum(1).mean()),
            self.original_wanted,
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
        return directions(general_features(self.net, pixels))


def way_from(distance: float) -> float:
    """How much of the way pictures have to come, by how far their originals are from the source.

    Args:
        distance: 1 is the limit of a bundle's own kind, see
            :func:`l2laug.evaluation.bundles.domain_distance.share_of_limit`.
    """
    if distance <= 1:
        return NEAR_WAY
    return FAR_WAY if distance <= TWICE else FARTHEST_WAY


def look_at_draws(
    sampler: Sampler,
    originals: Sequence[Original],
    net: GeneralNet,
    foreign: Features | None = None,
    way: float = NEAR_WAY,
) -> DrawQuality:
    """Look at some draws of an adapted model beside the originals, all as squares of one size.

    Args:
        sampler: the model.
        originals: its support images, one for each of its rows.
        net: the general net.
        foreign: features of other things, see :class:`DrawGauge`.
        way: see there.
    """
    eight = [small(original) for original in originals]
    side = max(sampler.card.size, *(max(original.size) for original in eight))
    squares = [replace(o, pixels=resized(o.pixels, side, side)) for o in eight]
    pictures, rows = list[NDArray[np.uint8]](), list[int]()
    for drawn in sampler.draw(max(DRAWS, len(squares))):
        for k, row in enumerate(drawn.support):
            pictures.append(small(render(sampler, drawn, k, side)).pixels)
            rows.append(int(row))
    return DrawGauge(squares, net, foreign, way).look(pictures, np.array(rows))


def sharpness(pixels: NDArray[np.uint8]) -> float:
    """Mean squared Laplacian of a picture's brightness, ``(H, W, C)``."""
    return float((ndimage.laplace(pixels.astype(np.float32).mean(2)) ** 2).mean())


def small(original: Original) -> Original:
    """An original of 8 bits whose longer side is at most :data:`LOOKED_AT`."""
    pixels, kind = original.pixels, original.pixels.dtype
    top = 1.0 if kind.kind == "f" else float(np.iinfo(kind).max)
    eight = np.rint(pixels[..., : original.colours] * (255 / top)).astype(np.uint8)
    longest = max(original.size)
    if longest > LOOKED_AT:
        w, h = (max(1, round(side * LOOKED_AT / longest)) for side in original.size)
        eight = resized(eight, w, h)
    return Original(eight, original.colours)


def _deviation(pixels: NDArray[np.uint8]) -> float:
    return float(pixels.astype(np.float32).mean(2).std())


def _colours(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(H, W, C)`` as ``(3, H, W)``; other than three channels become their mean."""
    if pixels.shape[2] != 3:
        mean = pixels.astype(np.float32).mean(2, keepdims=True)
        pixels = np.repeat(np.rint(mean).astype(np.uint8), 3, 2)
    return np.ascontiguousarray(pixels.transpose(2, 0, 1))
