"""Scores beside their baseline: bad samples differ from real images, real images do not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from l2laug.evaluation.scores import LEVEL, SCORES, measure
from l2laug.features.extractor import Extractor


def never(_pixels: object) -> NDArray[np.float32]:
    raise AssertionError("features are there already")


EXTRACTOR = Extractor("a net", "0123abcd", never, "to 64x64")


def normal(count: int, seed: int, size: int = 4) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal((count, size))


def test_real_images_taken_for_samples_score_as_real_images_do():
    level = total = 0
    for seed in range(10):
        found = measure(normal(60, 2 * seed), normal(500, 2 * seed + 1), EXTRACTOR)
        level += sum(m.reading == LEVEL for m in found.values())
        total += len(found)
        assert set(found) == set(SCORES)
        for m in found.values():
            assert m.baseline is not None
            assert m.low <= m.value <= m.high

    # Seven scores of ten sets; measured over many sets, 1 in 30 is read as something else.
    assert level >= total - 8


def test_samples_far_away_are_said_to_be():
    found = measure(normal(120, 0), normal(300, 1) + 5, EXTRACTOR)

    assert "farther from the real images" in found["fid"].reading
    assert "farther from the real images" in found["kid"].reading
    assert found["precision"].value == found["coverage"].value == 0
    assert "fewer samples lie within the real distribution" in found["precision"].reading
    # Four means moved by 5 each, and next to nothing else.
    assert found["fid"].value - found["fid"].baseline == pytest.approx(100, rel=0.05)
    assert found["diversity"].reading == LEVEL


def test_one_mode_of_two_is_precise_and_lacks_recall():
    modes = np.array([0, 100]).repeat(60)[:, None] * [1, 0, 0, 0]
    found = measure(normal(120, 0) + modes, normal(300, 1) * 0.5, EXTRACTOR)

    assert found["precision"].value > 0.95
    assert "modes may be missing" in found["recall"].reading
    assert "modes may be missing" in found["coverage"].reading
    assert "vary less" in found["diversity"].reading


def test_halves_are_compared_with_as_many_samples():
    few, many = (measure(normal(31, 0), normal(m, 1), EXTRACTOR)["kid"] for m in (7, 500))

    assert (few.real, few.samples) == (15, 7)
    assert (many.real, many.samples) == (15, 16)


def test_measures_stand_with_what_they_were_measured_on():
    kid = measure(normal(20, 0), normal(20, 1), EXTRACTOR)["kid"]

    assert (kid.extractor, kid.sha256, kid.resizing) == ("a net", "0123abcd", "to 64x64")


def test_a_seed_gives_the_same_numbers_and_another_one_others():
    real, drawn = normal(30, 0), normal(50, 1)

    assert measure(real, drawn, EXTRACTOR, 1) == measure(real, drawn, EXTRACTOR, 1)
    assert measure(real, drawn, EXTRACTOR, 1)["fid"] != measure(real, drawn, EXTRACTOR, 2)["fid"]


def test_too_few_images_are_said_to_be_too_few():
    def small(count: int) -> set[str]:
        found = measure(normal(count, 0), normal(500, 1), EXTRACTOR)
        return {name for name, m in found.items() if m.too_small}

    # FID needs more than the four features in each half.
    assert "fid" in small(9)
    assert "fid" not in small(10)
    assert {"kid", "diversity"} & small(39) == {"kid", "diversity"}
    assert {"kid", "diversity"} & small(40) == set()
    assert "precision" in small(99)
    assert small(100) == set()
    assert (
        "10 real images and 5 samples"
        in measure(normal(9, 0), normal(500, 1), EXTRACTOR)["fid"].too_small
    )


@pytest.mark.parametrize(
    ("count", "scores"),
    [
        (3, set()),
        (4, {"fid", "kid", "diversity"}),
        (8, {"fid", "kid", "diversity", "precision", "recall"}),
        (12, set(SCORES)),
    ],
)
def test_scores_that_can_not_be_had_are_left_out(count: int, scores: set[str]):
    assert set(measure(normal(count, 0), normal(50, 1), EXTRACTOR)) == scores


def test_one_sample_has_no_scores():
    assert measure(normal(10, 0), normal(1, 1), EXTRACTOR) == {}
