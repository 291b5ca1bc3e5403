"""The images of a study in the size and with the channels that each head wants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch.nn import functional as F

from l2laug.classification.study import StudyData
from l2laug.core.arrays import Pixels
from l2laug.data.image_set import ImageSet


class Shapes:
    """The same images in several shapes, each of them made once.

    Args:
        data: the study's images at the model's size.
    """

    def __init__(self, data: StudyData) -> None:
        channels, side = data.train.pixels.shape[1:3]
        self.side, self.channels = int(side), int(channels)
        self._made = {(self.side, self.channels): data}

    def at(self, side: int, channels: int) -> StudyData:
        """The images as squares of ``side`` pixels: read again, or resized where they can't be.

        Raises:
            ImageError: a file is gone, or can't be read any more.
        """
        shape, data = (side, channels), self._made[self.side, self.channels]
        if shape not in self._made:
            again = data.larger(side, channels) if data.larger else _resized(data, side, channels)
            self._made[shape] = replace(again, larger=data.larger)
        return self._made[shape]

    def within(self, most: int) -> StudyData:
        """The images at the model's size, or at ``most`` pixels where that is larger."""
        return self.at(min(self.side, most), self.channels)


def _resized(data: StudyData, side: int, channels: int) -> StudyData:
    return StudyData(
        _resized_set(data.train, side, channels),
        _resized_set(data.test, side, channels),
        data.rare,
        resized(data.samples, side, channels),
    )


def _resized_set(images: ImageSet, side: int, channels: int) -> ImageSet:
    pixels = resized(images.pixels, side, channels)
    return ImageSet(pixels, images.labels, images.classes, images.paths)


def resized(pixels: Pixels, side: int, channels: int) -> Pixels:
    """Images ``(N, C, S, S)`` at another size; grey ones in as many channels as asked for."""
    if pixels.shape[1] < channels:
        pixels = pixels.repeat(channels, 1)
    if pixels.shape[-2:] == (side, side):
        return pixels
    if not len(pixels):
        return np.empty((0, pixels.shape[1], side, side), np.uint8)
    x = torch.from_numpy(pixels).float()
    x = F.interpolate(x, (side, side), mode="bicubic", antialias=max(x.shape[-2:]) > side)
    found: Pixels = x.round().clamp(0, 255).to(torch.uint8).numpy()
    return found
