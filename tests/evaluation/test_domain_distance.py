"""Distance from the source."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from l2laug.artifacts.bundle import Bundle, open_bundle
from l2laug.data.folders import class_folders
from l2laug.data.image_set import read_classes
from l2laug.evaluation.domain_distance import far_from_source
from l2laug.metrics.mahalanobis import save_statistics, source_distances


@pytest.fixture
def statistics(tmp_path: Path) -> Path:
    """Of 5,000 normal features, axis 1 ten times as wide as axis 0 and axis 2, around (5, 0, 0)."""
    features = np.random.default_rng(0).standard_normal((5000, 3)) * [1, 10, 1] + [5, 0, 0]
    save_statistics(features, tmp_path / "statistics.safetensors")
    return tmp_path / "statistics.safetensors"


def test_images_of_the_source_lie_around_1(tmp_path: Path):
    path = tmp_path / "statistics.safetensors"
    features = np.random.default_rng(0).standard_normal((5000, 8))
    save_statistics(features, path)

    # The mean squared Mahalanobis distance of D features is D, and a hundredth is added to C.
    root_mean_square = np.sqrt((source_distances(features, path) ** 2).mean())
    assert root_mean_square == pytest.approx((1 / 1.01) ** 0.5, rel=1e-3)


def test_a_step_counts_by_how_wide_the_source_is_in_that_direction(statistics: Path):
    centre, far, near = source_distances(
        np.array([[5.0, 0, 0], [5, 0, 10], [5, 10, 0]]), statistics
    )

    assert centre < 0.1
    # One deviation along the wide axis; variance 100 + 0.34 there.
    assert near == pytest.approx(1 / 3**0.5, rel=0.05)
    # Ten deviations across it, variance 1 + 0.34 with what is added to the diagonal.
    assert far == pytest.approx(10 / 1.34**0.5 / 3**0.5, rel=0.05)


def test_noise_is_farther_out_than_the_source(tiny_bundle: Path, digits: Path):
    from l2laug.features.extractor import bundle_extractor

    bundle = open_bundle(tiny_bundle)
    extract, path = bundle_extractor(bundle), bundle.file("statistics.safetensors")
    real = read_classes(class_folders(digits), 32, 1).pixels
    noise = np.random.default_rng(0).integers(0, 256, real.shape).astype(np.uint8)

    ours, theirs = (source_distances(extract(x), path) for x in (real, noise))

    assert 0.5 < np.median(ours) < 1.5
    assert np.median(theirs) > 2 * np.median(ours)


@pytest.mark.parametrize(("limit", "warned"), [(0.0, True), (1e9, False)])
def test_the_user_is_told_of_images_beyond_the_bundles_limit(
    tiny_bundle: Path, rare: Path, limit: float, warned: bool
):
    bundle = open_bundle(tiny_bundle)
    distance = {"median": 1.25, "percentile_99": limit}
    source = bundle.info["source"] | {"distance": distance}
    moved: Bundle = replace(bundle, info=bundle.info | {"source": source})

    sentence = far_from_source(read_classes(class_folders(rare), 32, 1), moved)

    assert (sentence is not None) is warned
    if sentence is not None:
        assert sentence.startswith("3: ")
        assert "1.2" in sentence
