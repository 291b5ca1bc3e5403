"""Domains made from source classes: a group of classes, all drawn with one pen on one paper.

A generator that saw thousands of images of one pen knows that pen; another pen it has to learn from
few images. Such steps from few to many are what GEMs learn by domain episodes
(:mod:`l2laug.training.gems.episodes`), so there have to be many pens: they are drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from l2laug.core.arrays import Pixels
from l2laug.core.seeds import derived_seed
from l2laug.data.image_set import ImageSet

THICK = 0.8  # of the way to a stroke that is a pixel thicker or thinner on either side, at most
SLANT = 0.35  # sideways shift over the height
BLUR = 1.0  # pixels, the deviation of a normal kernel
CONTRAST = (0.35, 1.0)  # of full contrast
INVERTED = 0.4  # share of styles that swap light and dark
TEXTURE = 0.12  # deviation of the paper's texture, of the range of pixel values
COARSEST = 4.0  # pixels over which the texture is smooth
PLAIN = 0.4  # share of styles whose paper has no texture


@dataclass(frozen=True)
class Style:
    """How all images of a domain look.

    Attributes:
        thickness: from -1, strokes a pixel thinner on either side, to 1, a pixel thicker.
        slant: sideways shift over the height; positive leans right.
        blur: deviation of a normal kernel, in pixels.
        dark, light: what black and white become, from 0 to 1.
        inverted: whether light and dark are swapped.
        texture: deviation of noise that is added, of the range of pixel values.
        grain: pixels over which that noise is smooth.
    """

    thickness: float = 0.0
    slant: float = 0.0
    blur: float = 0.0
    dark: float = 0.0
    light: float = 1.0
    inverted: bool = False
    texture: float = 0.0
    grain: float = 0.0

    @classmethod
    def random(cls, random: np.random.Generator) -> Style:
        """A style drawn at random."""
        contrast = random.uniform(*CONTRAST)
        dark = random.uniform(0, 1 - contrast)
        return cls(
            thickness=float(random.uniform(-THICK, THICK)),
            slant=float(random.uniform(-SLANT, SLANT)),
            blur=float(random.uniform(0, BLUR)),
            dark=float(dark),
            light=float(dark + contrast),
            inverted=bool(random.random() < INVERTED),
            texture=float(random.uniform(0, TEXTURE) * (random.random() >= PLAIN)),
            grain=float(random.uniform(0, COARSEST)),
        )

    def apply(self, pixels: Pixels, seed: int = 0) -> Pixels:
        """Images ``(N, C, S, S)`` uint8 of dark strokes on a light ground in this style.

        ``seed`` is of the texture, which differs from image to image.
        """
        x: NDArray[Any] = pixels.astype(np.float32) / 255
        if self.slant:
            x = _slanted(x, self.slant)
        if self.thickness:
            change = ndimage.grey_erosion if self.thickness > 0 else ndimage.grey_dilation
            x += abs(self.thickness) * (change(x, (1, 1, 3, 3)) - x)
        if self.blur:
            x = ndimage.gaussian_filter(x, (0, 0, self.blur, self.blur), mode="nearest")
        x = self.dark + (self.light - self.dark) * x
        if self.inverted:
            x = 1 - x
        if self.texture:
            x += self.texture * _noise(x.shape, self.grain, seed)
        found: Pixels = np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)
        return found


@dataclass(frozen=True)
class Domain:
    """Some source classes in one style.

    Attributes:
        classes: their labels in the source.
        style: how they look.
        seed: of the texture.
    """

    classes: tuple[int, ...]
    style: Style
    seed: int

    def images(self, source: ImageSet) -> ImageSet:
        """The images of this domain, from all of the source's."""
        found = source.of([source.classes[c] for c in self.classes])
        pixels = self.style.apply(found.pixels, self.seed)
        return ImageSet(pixels, found.labels, found.classes, found.paths)


def draw_domains(images: ImageSet, count: int, classes: int, seed: int) -> list[Domain]:
    """Domains over source classes; number ``i`` depends on the seed and ``i`` alone.

    A domain's classes are neighbours in the order of their names, by which the characters of an
    alphabet or the classes of a set stand together.

    Args:
        images: the source.
        count: how many domains.
        classes: of each; all where the source has fewer.
        seed: of classes and styles.
    """
    known = len(images.classes)
    size = min(classes, known)
    domains = []
    for i in range(count):
        own = derived_seed(seed, i)
        random = np.random.default_rng(own)
        first = int(random.integers(known - size + 1))
        domains.append(Domain(tuple(range(first, first + size)), Style.random(random), own))
    return domains


def _slanted(x: NDArray[np.float32], slant: float) -> NDArray[np.float32]:
    """Images ``(N, C, S, S)`` whose rows are shifted in proportion to their height."""
    middle = (x.shape[2] - 1) / 2
    shear = np.eye(4)
    shear[3, 2] = slant
    offset = np.array([0.0, 0.0, 0.0, -slant * middle])
    found: NDArray[np.float32] = ndimage.affine_transform(x, shear, offset, order=1, mode="nearest")
    return found


def _noise(shape: tuple[int, ...], grain: float, seed: int) -> NDArray[np.float32]:
    """Noise of deviation one, smooth over so many pixels, alike in all channels."""
    noise = np.random.default_rng(seed).standard_normal((shape[0], 1, *shape[2:]))
    if grain:
        noise = ndimage.gaussian_filter(noise, (0, 0, grain, grain), mode="wrap")
        noise /= noise.std() + 1e-9
    return noise.astype(np.float32)
