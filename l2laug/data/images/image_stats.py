"""What size the images of some files have, and whether they show colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from l2laug.core.arrays import Pixels
from l2laug.core.errors import ImageError
from l2laug.data.images.image_io import read_image

LOOKED_AT = 200  # files, evenly spread
TINT = 4.0  # mean difference between channels that grey images saved as colour may have, of 255
FEW = 0.05  # of the images may show colour by mistake


@dataclass(frozen=True)
class ImageStats:
    """What the images of a set of files are like.

    Attributes:
        side: median of their shorter sides, in pixels.
        colour: whether more than a few show any.
    """

    side: int
    colour: bool

    @property
    def size(self) -> int:
        """The largest size that a generator may have and most images do: 32 to 128."""
        return min(max(self.side // 16 * 16, 32), 128)

    @property
    def channels(self) -> int:
        """1 for grey, 3 for colour."""
        return 3 if self.colour else 1


def image_stats(files: Sequence[Path]) -> ImageStats:
    """Look at some of the files; those that can't be read are passed over.

    Raises:
        ImageError: none of those looked at can be read.
    """
    rows = np.unique(np.linspace(0, len(files) - 1, min(LOOKED_AT, len(files))).round().astype(int))
    sides, coloured, problem = [], [], None
    for path in (files[row] for row in rows):
        try:
            image = read_image(path)
        except ImageError as error:
            problem = error
            continue
        sides.append(min(image.shape[1:]))
        coloured.append(has_colour(image))
    if not sides:
        raise problem or ImageError("There is no image to look at.", "Give some.")
    return ImageStats(int(np.median(sides)), bool(np.mean(coloured) > FEW))


def has_colour(image: Pixels) -> bool:
    """Whether an image ``(C, H, W)`` is more than a grey one saved as RGB."""
    return bool(np.ptp(image.astype(np.int16), axis=0).mean() > TINT)
