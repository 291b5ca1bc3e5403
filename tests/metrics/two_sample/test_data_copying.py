"""C_T: its law where nothing is copied, by hand, and copies and others."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from l2laug.core.errors import ImageError
from l2laug.metrics.two_sample.data_copying import data_copying


def test_by_hand():
    # Distances to the one training image at 0: 1 and 2 of samples, 3, 4 and 5 of new images. No
    # sample is farther than a new image: U = 0, mean 3, variance 2 * 3 * 6 / 12 = 3.
    train, test, drawn = np.array([[0.0]]), np.array([[3.0], [-4], [5]]), np.array([[1.0], [-2]])

    assert data_copying(train, test, drawn) == pytest.approx(-3 / np.sqrt(3))
    assert data_copying(train, drawn, test) == pytest.approx(3 / np.sqrt(3))


def test_it_is_the_mann_whitney_statistic_of_distances():
    random = np.random.default_rng(0)
    train, test, drawn = (random.normal(size=(n, 3)) for n in (4, 30, 50))
    held, mine = (
        np.linalg.norm(side[:, None] - train, axis=2).min(1).round(1) for side in (test, drawn)
    )
    said = scipy.stats.mannwhitneyu(mine, held, method="asymptotic", use_continuity=False)

    found = data_copying(np.zeros((1, 1)), held[:, None], mine[:, None])

    assert 2 * scipy.stats.norm.sf(abs(found)) == pytest.approx(said.pvalue)


def test_new_real_images_are_a_standard_normal_number():
    random = np.random.default_rng(0)
    found = np.array(
        [data_copying(*(random.normal(size=(n, 8)) for n in (5, 20, 25))) for _ in range(400)]
    )

    assert abs(found.mean()) < 3 / np.sqrt(400)
    assert found.std() == pytest.approx(1, abs=0.12)
    assert 0.91 < (abs(found) < 1.96).mean() < 0.985


def test_altered_copies_are_below_and_other_images_above():
    random = np.random.default_rng(0)
    train, test = random.normal(size=(5, 8)), random.normal(size=(40, 8))
    copies = train[random.integers(0, 5, 60)] + random.normal(0, 0.1, (60, 8))

    assert data_copying(train, test, copies) < -6
    assert data_copying(train, test, random.normal(3, 1, (60, 8))) > 6


def test_copies_of_one_part_are_seen_in_its_cell():
    # Two far parts; in one samples are copies, in the other they lie a little farther out than new
    # images, which hides the copies where all distances are compared at once.
    random = np.random.default_rng(0)
    train = np.concatenate([random.normal(0, 1, (60, 4)), random.normal(50, 1, (60, 4))])
    test = np.concatenate([random.normal(0, 1, (80, 4)), random.normal(50, 1, (80, 4))])
    copies = train[:60].repeat(2, 0) + random.normal(0, 0.01, (120, 4))

    assert data_copying(train, test, copies) < -8


def test_nothing_to_compare_is_an_error():
    with pytest.raises(ImageError, match="C_T needs"):
        data_copying(np.ones((2, 3)), np.ones((0, 3)), np.ones((2, 3)))
