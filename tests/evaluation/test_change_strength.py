"""Strengths by planted answers: what ruins is turned down, what is harmless goes all the way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from sklearn.datasets import load_sample_images

from l2laug.config.change import ChangeOptions
from l2laug.config.recipe import GeneratorOptions
from l2laug.core.arrays import Pixels
from l2laug.data.images.originals import Original, resized
from l2laug.evaluation.change_strength import choose_strength
from l2laug.evaluation.draw_quality import sharpness
from l2laug.features.general import GeneralNet, load_general_net
from l2laug.nn.changes.generator import TONE, ChangeGenerator

IMAGE = GeneratorOptions(
    size=32,
    channels=3,
    encoder=(8, 8, 8, 8),
    decoder=(8, 8, 8, 8, 8),
    latent=6,
    noise_channels=(2, 1, 1),
)


@pytest.fixture(scope="module")
def net() -> GeneralNet:
    return load_general_net()


def photographs(count: int) -> tuple[Pixels, list[Original]]:
    """Overlapping crops of a photograph that comes with scikit-learn."""
    flower = load_sample_images().images[1]
    crops = [flower[20 * i : 20 * i + 240, 60 + 30 * i : 360 + 30 * i] for i in range(count)]
    small = np.stack([resized(c, 32, 32).transpose(2, 0, 1) for c in crops])
    return small, [Original(np.ascontiguousarray(c), 3) for c in crops]


def generator(**bias: float) -> ChangeGenerator:
    """One that makes the same change of everything: a gain of all channels, or nothing."""
    torch.manual_seed(0)
    net = ChangeGenerator(IMAGE, ChangeOptions(**{"affine": False, "flow": False})).eval()
    with torch.no_grad():
        told: Any = net.motion[-1].get_parameter("bias")
        told[5::TONE] = bias.get("gain", 0.0)
        told[6::TONE] = bias.get("bias", 0.0)
    return net


def test_a_change_that_does_nothing_goes_all_the_way(net: GeneralNet) -> None:
    choice = choose_strength(generator(), *photographs(4), net)
    assert choice.strength == (0.0, 0.0, 1.0, 0.0)
    assert choice.evaluations[0].sharpness == pytest.approx(1, abs=0.02)
    assert choice.evaluations[0].contrast == pytest.approx(1, abs=0.02)


def test_no_part_goes_farther_than_its_bundle_allows(net: GeneralNet) -> None:
    limited = generator()
    limited.change = ChangeOptions(affine=False, flow=False, strength=0.5)
    assert choose_strength(limited, *photographs(4), net).strength == (0.0, 0.0, 0.5, 0.0)


def test_a_tone_that_takes_contrast_away_is_turned_down(net: GeneralNet) -> None:
    # At full strength a gain of exp(-.5) and a lift of .3: contrast .61 of what it was.
    choice = choose_strength(generator(gain=-9.0, bias=9.0), *photographs(4), net)
    full = choice.evaluations[0]
    assert full.strength == (0.0, 0.0, 1.0, 0.0)
    assert full.contrast < 0.8
    assert choice.strength[2] < 1
    assert choice.evaluations[-1].acceptable == any(choice.strength)


def test_with_one_image_it_is_said_what_cannot_be_told(net: GeneralNet) -> None:
    choice = choose_strength(generator(), *photographs(1), net)
    assert choice.strength[2] == 1
    (note,) = choice.notes
    assert note.startswith("With one image nothing tells how far its class varies")


def test_a_blurred_picture_is_less_sharp() -> None:
    flower = load_sample_images().images[1]
    blurred = np.asarray(Image.fromarray(flower).filter(ImageFilter.GaussianBlur(1)))
    assert sharpness(blurred) < 0.5 * sharpness(flower)
    step = np.zeros((3, 3, 3), np.uint8)
    step[1, 1] = 9  # Laplacian: -36 in the middle, 9 beside it, 0 in the corners
    assert sharpness(step) == pytest.approx((36**2 + 4 * 9**2) / 9)
