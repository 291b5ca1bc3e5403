"""Resizing against Pillow's, which clean-fid uses."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from l2laug.features.resizing import resized


@pytest.mark.parametrize("side", [12, 32, 50])
@pytest.mark.parametrize("channels", [1, 3])
def test_resizing_is_pillows_on_floats(side: int, channels: int):
    image = np.random.default_rng(1).integers(0, 256, (1, channels, 32, 32)).astype(np.uint8)

    found = resized(image, side)[0]

    for c in range(3):
        plane = Image.fromarray(image[0, c % channels]).convert("F")
        expected = np.asarray(plane.resize((side, side), Image.Resampling.BICUBIC)) / 255
        assert found[c].numpy() == pytest.approx(expected, abs=1e-5)
