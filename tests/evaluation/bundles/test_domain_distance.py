"""Which source images look like: centroids by hand, and real photographs against the bundles."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_sample_images

from l2laug.artifacts.bundle import find_bundle
from l2laug.core.arrays import Pixels
from l2laug.data.folders import class_folders
from l2laug.data.image_set import read_classes
from l2laug.evaluation.bundles.domain_distance import (
    distances_to,
    far_from_source,
    limit_of,
    nearest_centroid,
    save_centroids,
    share_of_limit,
)
from l2laug.features.general import SIDE, GeneralNet, load_general_net


@pytest.fixture(scope="module")
def net() -> GeneralNet:
    return load_general_net()


def crops(index: int) -> Pixels:
    """Six crops of a photograph that comes with scikit-learn: a temple or a flower."""
    photograph = load_sample_images().images[index]
    parts = [photograph[40 * k : 40 * k + 200, 60 * k : 60 * k + 200] for k in range(6)]
    return np.stack([p[::2, ::2].transpose(2, 0, 1) for p in parts]).astype(np.uint8)


def test_the_nearest_centroid_by_hand() -> None:
    centroids = np.array([[1.0, 0.0], [0.0, 1.0]])
    directions = np.array([[1.0, 0.0], [0.6, 0.8], [-1.0, 0.0]])
    assert nearest_centroid(directions, centroids) == pytest.approx([0, 0.2, 1.0])


def test_images_of_the_source_are_near_and_others_are_not(net: GeneralNet, tmp_path: Path) -> None:
    temple, flower = crops(0), crops(1)
    usual = save_centroids(temple[:4], temple[4:], net, tmp_path / "source.safetensors")
    far = save_centroids(temple[:4], flower, net, tmp_path / "source.safetensors")
    assert usual["median"] < usual["percentile_99"] + 1e-9
    assert far["median"] > 2 * usual["median"]


@pytest.mark.parametrize("index", [0, 1])
def test_photographs_are_far_from_a_narrow_bundle(net: GeneralNet, index: int) -> None:
    glyphs = find_bundle("glyphs")
    sentence = far_from_source("temple", share_of_limit(crops(index), glyphs, net), glyphs)
    assert sentence is not None
    assert sentence.startswith("temple: these images look unlike")


def test_scanned_digits_are_nearer_to_handwritten_characters_than_photographs_are(
    net: GeneralNet, rare: Path
) -> None:
    digits = read_classes(class_folders(rare), SIDE, 1).pixels
    glyphs = find_bundle("glyphs")
    ((near,), (far,)) = (distances_to([glyphs], x, net).values() for x in (digits, crops(0)))
    assert near < far / 1.5
    assert far > limit_of(glyphs)


def test_a_grey_picture_is_looked_at_as_one(net: GeneralNet) -> None:
    grey, glyphs = crops(0).mean(1, keepdims=True).astype(np.uint8), find_bundle("glyphs")
    assert far_from_source("temple", share_of_limit(grey, glyphs, net), glyphs) is not None
