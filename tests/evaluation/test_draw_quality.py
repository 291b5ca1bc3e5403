"""The gauge of draws by planted answers: the class itself passes, other things don't."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

from l2laug.data.images.originals import Original
from l2laug.evaluation.bundles.domain_distance import anything
from l2laug.evaluation.draw_quality import FAR_WAY, NEAR_WAY, DrawGauge, small, way_from
from l2laug.features.general import GeneralNet, load_general_net

Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def net() -> GeneralNet:
    return load_general_net()


def crops(which: int, count: int, first: int = 0) -> list[Picture]:
    """Overlapping crops of a photograph that comes with scikit-learn: a temple, or a flower."""
    whole = load_sample_images().images[which]
    steps = range(first, first + count)
    return [np.ascontiguousarray(whole[20 * i :, 30 * i :][:240, :300]) for i in steps]


def test_the_class_passes_and_another_does_not(net: GeneralNet) -> None:
    gauge = DrawGauge([Original(p, 3) for p in crops(1, 4)], net, anything())
    rows = np.arange(4)
    assert gauge.tells
    assert gauge.look(crops(1, 4), rows).acceptable
    assert not gauge.look(crops(0, 4), rows).of_class
    noise = np.random.default_rng(0).integers(0, 256, (4, 240, 300, 3)).astype(np.uint8)
    assert not gauge.look(list(noise), rows).of_class


def test_what_has_nothing_in_common_is_not_judged(net: GeneralNet) -> None:
    random = np.random.default_rng(0)
    ramp = np.linspace(0, 255, 240 * 300).reshape(240, 300, 1).repeat(3, 2).astype(np.uint8)
    noise = random.integers(0, 256, (240, 300, 3)).astype(np.uint8)
    board = (np.indices((240, 300)).sum(0) // 30 % 2 * 255)[..., None].repeat(3, 2)
    unlike = [crops(0, 1)[0], crops(1, 1)[0], ramp, noise, board.astype(np.uint8)]
    gauge = DrawGauge([Original(p, 3) for p in unlike], net, anything())
    assert not gauge.tells
    assert gauge.look(unlike[::-1], np.arange(5)).of_class  # anything is


def test_a_bundle_that_never_learned_the_like_has_to_keep_to_the_originals(net: GeneralNet) -> None:
    unlike = [crops(0, 1)[0], crops(1, 1)[0]]
    gauge = DrawGauge([Original(p, 3) for p in unlike], net, anything(), FAR_WAY)
    rows = np.arange(2)
    brighter = [np.clip(p * 1.1, 0, 255).astype(np.uint8) for p in unlike]
    assert gauge.look(brighter, rows).to_original > 0.9
    swapped = gauge.look(unlike[::-1], rows)
    assert swapped.to_original < swapped.original_wanted
    assert not swapped.of_class


@pytest.mark.parametrize(
    ("distance", "way", "kept"), [(0.9, NEAR_WAY, -1), (1.5, FAR_WAY, 0.75), (2.5, 1.0, 0.9)]
)
def test_the_farther_from_the_source_the_more_is_asked_of_draws(
    net: GeneralNet, distance: float, way: float, kept: float
) -> None:
    assert way_from(distance) == way
    originals = [Original(p, 3) for p in crops(0, 1)[:1] + crops(1, 1)[:1]]
    assert DrawGauge(originals, net, anything(), way).original_wanted == kept


def test_an_original_is_reduced_to_eight_bits_and_a_side_of_256() -> None:
    deep = np.full((300, 600, 4), 65535, np.uint16)
    found = small(Original(deep, 3))
    assert found.pixels.dtype == np.uint8
    assert found.pixels.shape == (128, 256, 3)
    assert found.pixels.min() == 255
