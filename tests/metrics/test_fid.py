"""FID against closed forms and the textbook formula."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import scipy.linalg
from numpy.typing import NDArray

from l2laug.core.errors import ImageError
from l2laug.metrics.fid import frechet_distance

Features = NDArray[np.float64]


def with_moments(mean: list[float], covariance: NDArray[np.float64], count: int = 50) -> Features:
    """Features whose sample mean and sample covariance are exactly these."""
    noise = np.random.default_rng(0).standard_normal((count, len(mean)))
    noise -= noise.mean(0)
    white = noise @ np.linalg.inv(np.linalg.cholesky(np.atleast_2d(np.cov(noise.T)))).T
    return white @ np.linalg.cholesky(covariance).T + mean


def test_given_equal_covariance_it_is_the_squared_distance_of_the_means():
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    here, there = with_moments([0, 0], covariance), with_moments([3, 4], covariance)

    assert frechet_distance(here, there) == pytest.approx(25)


def test_given_diagonal_covariances_it_is_the_squared_distance_of_the_deviations():
    here = with_moments([1, 1, 1], np.diag([1.0, 4.0, 9.0]))
    there = with_moments([1, 1, 1], np.diag([4.0, 4.0, 0.25]), count=80)

    # (1 - 2)^2 + (2 - 2)^2 + (3 - 0.5)^2
    assert frechet_distance(here, there) == pytest.approx(7.25)


def test_one_feature_is_enough():
    here, there = with_moments([0], np.eye(1)), with_moments([2], 9 * np.eye(1))

    assert frechet_distance(here, there) == pytest.approx(4 + 4)


def test_a_set_is_at_no_distance_from_itself_even_in_another_order():
    features = np.random.default_rng(1).standard_normal((40, 6))

    assert frechet_distance(features, features) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(features, features[::-1]) == pytest.approx(0, abs=1e-9)


def test_it_is_the_same_in_both_directions():
    random = np.random.default_rng(2)
    here, there = random.standard_normal((30, 5)), random.gamma(2, size=(60, 5))

    assert frechet_distance(here, there) == pytest.approx(frechet_distance(there, here))


@pytest.mark.parametrize("seed", range(3))
def test_it_agrees_with_the_formula_written_with_a_matrix_root(seed: int):
    random = np.random.default_rng(seed)
    here = random.standard_normal((200, 16)) @ random.standard_normal((16, 16))
    there = random.standard_normal((300, 16)) @ random.standard_normal((16, 16)) + 0.5
    c1, c2 = np.cov(here.T), np.cov(there.T)

    gap = here.mean(0) - there.mean(0)
    textbook = gap @ gap + np.trace(c1 + c2 - 2 * scipy.linalg.sqrtm(c1 @ c2).real)

    assert frechet_distance(here, there) == pytest.approx(textbook, rel=1e-6)


def test_it_is_the_same_to_the_last_digits_as_by_eigenvalues():
    """tr (C1 C2)^(1/2) is the sum of the roots of the eigenvalues of C1 C2, all real and >= 0."""
    random = np.random.default_rng(7)
    here, there = random.standard_normal((500, 12)), random.gamma(2, size=(400, 12))
    c1, c2 = np.cov(here.T), np.cov(there.T)

    gap = here.mean(0) - there.mean(0)
    roots = np.sqrt(np.linalg.eigvals(c1 @ c2).real.clip(0)).sum()
    expected = gap @ gap + np.trace(c1) + np.trace(c2) - 2 * roots

    assert frechet_distance(here, there) == pytest.approx(expected, rel=1e-9)


def test_many_images_cost_no_more_than_their_features():
    """A root of N rows would make the singular values those of an N x N matrix: 32 MB here."""
    many = np.random.default_rng(8).standard_normal((2000, 3))

    tracemalloc.start()
    found = frechet_distance(many, many + np.eye(3)[0])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert found == pytest.approx(1, rel=1e-6)
    assert peak < 2e6


def test_fewer_images_than_features_still_give_a_number():
    random = np.random.default_rng(3)
    few = random.standard_normal((5, 64))

    # Both sets span the same few directions: moving one moves the distance by as much.
    assert frechet_distance(few, few + 1) == pytest.approx(64, rel=1e-5)


@pytest.mark.parametrize(("here", "there"), [(1, 5), (5, 1), (0, 5)])
def test_a_single_image_has_no_covariance(here: int, there: int):
    with pytest.raises(ImageError, match="two images"):
        frechet_distance(np.ones((here, 3)), np.ones((there, 3)))
