"""Scores on general features: real images pass for real ones, other sets do not."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from l2laug.evaluation.general_scores import general_measures
from l2laug.evaluation.scores import LEVEL
from l2laug.features.extractor import Extractor


def flat(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return pixels.reshape(len(pixels), -1).astype(np.float32) - 128


EXTRACTOR = Extractor("pixels", "0123abcd", flat)
NAMES = {"two-sample accuracy", "mmd", "vendi score", "data-copying C_T"}


def images(count: int, seed: int, mean: float = 120, deviation: float = 25) -> NDArray[np.uint8]:
    random = np.random.default_rng(seed)
    return np.clip(random.normal(mean, deviation, (count, 1, 4, 4)), 0, 255).astype(np.uint8)


def test_real_images_taken_for_samples_pass():
    found = general_measures(images(60, 0), images(300, 1), images(5, 2), EXTRACTOR)

    assert set(found) == NAMES
    test = found["two-sample accuracy"]
    assert test.chance_low < 0.5 < test.chance_high
    assert test.chance_low <= test.value <= test.chance_high
    copying = found["data-copying C_T"]
    assert (copying.chance_low, copying.chance_high) == (-1.96, 1.96)
    assert [m.reading for m in found.values()].count(LEVEL) >= 3
    assert not any(m.too_small for m in found.values())


def test_samples_of_another_kind_are_seen():
    found = general_measures(images(60, 0), images(200, 1, 150), images(5, 2), EXTRACTOR)

    assert found["two-sample accuracy"].value > found["two-sample accuracy"].chance_high
    assert "more easily" in found["two-sample accuracy"].reading
    assert "farther from the real images" in found["mmd"].reading


def test_altered_copies_are_seen():
    support, random = images(5, 2), np.random.default_rng(3)
    copies = support[random.integers(0, 5, 200)] + random.integers(-2, 3, (200, 1, 4, 4))
    found = general_measures(images(60, 0), copies.astype(np.uint8), support, EXTRACTOR)

    assert found["data-copying C_T"].value < -4
    assert "they copy" in found["data-copying C_T"].reading
    assert "fewer different images" in found["vendi score"].reading


def test_without_other_real_images_than_the_support_set_copying_is_not_measured():
    assert set(general_measures(images(12, 0), images(50, 1), None, EXTRACTOR)) == NAMES - {
        "data-copying C_T"
    }


@pytest.mark.parametrize(("count", "enough"), [(39, False), (40, True)])
def test_too_few_images_are_told(count: int, enough: bool):
    found = general_measures(images(count, 0), images(50, 1), images(5, 2), EXTRACTOR)

    assert {not m.too_small for m in found.values()} == {enough}


def test_no_more_images_are_looked_at_than_are_compared(monkeypatch: pytest.MonkeyPatch):
    seen = list[int]()
    monkeypatch.setattr("l2laug.evaluation.general_scores.MOST", 30)
    counting = Extractor("pixels", "ab", lambda p: (seen.append(len(p)), flat(p))[1])

    general_measures(images(200, 0), images(400, 1), None, counting)

    assert sum(seen) == 60
