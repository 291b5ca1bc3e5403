"""What the report says of finished trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l2laug.images import ImageSet
from l2laug.scoring.findings import advise, baseline, find, notes_on
from l2laug.scoring.outcomes import Labels, Trained
from l2laug.scoring.study import Study
from l2laug.scoring.verdict import Verdict

ARMS = ("none", "oversampling", "classical", "l2laug")


def verdict(word: str, from_seeds: float = 0.5) -> Verdict:
    return Verdict(word, 0.1, -0.05, 0.25, from_seeds)


def test_what_helps_comes_with_the_command_to_use_it():
    advice = advise(verdict("helps"), "classical", 40, Path("my runs/cracks"), 1000, 0.5)

    assert "l2laug sample 'my runs/cracks' -n 1000 -o augmented" in advice
    assert "50%" in advice


def test_where_it_is_unclear_the_advice_is_what_would_narrow_the_interval():
    def advice(word: str, from_seeds: float, tests: int) -> str:
        return advise(verdict(word, from_seeds), "classical", tests, Path("run"), 10, 0.5)

    assert "--seeds" in advice("unclear", 0.8, 40)
    assert "--test" in advice("unclear", 0.2, 40)
    assert "--test" in advice("unclear", 0.8, 5), "on five no word is said, however many seeds"
    assert "classical augmentation alone" in advice("hurts", 0.5, 40)


def test_where_classical_augmentation_does_worse_the_advice_leaves_it_out():
    def advice(word: str) -> str:
        return advise(verdict(word), "oversampling", 40, Path("run"), 10, 0.5)

    assert "train without classical augmentation" in advice("helps")
    assert advice("hurts") == "Repeat the real images of the class, as they are."


@pytest.mark.parametrize(
    ("tests", "words"),
    [(5, ["5 test images of cracks", "too few", "6"]), (12, ["12 test images", "0.15"])],
)
def test_few_test_images_are_said_to_be_few(tests: int, words: list[str]):
    (note,) = notes_on(verdict("unclear"), tests, "cracks")

    assert [word for word in words if word not in note] == []


def test_enough_test_images_need_no_note():
    assert notes_on(verdict("unclear"), 30, "cracks") == []


LABELS = np.repeat([0, 1], 40)


def trainings(arm: str, *found: Labels, share: float = 0.0) -> list[Trained]:
    return [Trained(arm, seed, share, guesses) for seed, guesses in enumerate(found)]


def test_what_there_is_to_beat_is_the_better_training_without_samples():
    wrong, good = np.zeros_like(LABELS), LABELS
    some = np.where(np.arange(80) < 60, LABELS, 0)

    def better(classical: Labels, repeated: Labels) -> str:
        arms = {"classical": classical, "oversampling": repeated, "l2laug": good}
        found = [t for arm, guesses in arms.items() for t in trainings(arm, wrong, guesses)]
        return baseline(found, LABELS, 1)

    assert better(good, some) == "classical"
    assert better(some, good) == "oversampling"
    assert better(some, some) == "classical"


def test_samples_that_beat_classical_augmentation_alone_do_not_help_where_repeating_does_as_well():
    test = ImageSet(np.zeros((80, 1, 2, 2), np.uint8), LABELS, ("common", "rare"), (Path(),) * 80)
    wrong, good = [np.zeros_like(LABELS)] * 3, [LABELS] * 3
    trained = [*trainings("none", *wrong), *trainings("classical", *wrong)]
    trained += [*trainings("oversampling", *good), *trainings("l2laug", *good, share=0.5)]
    trained += trainings("classical + l2laug", *good, share=0.5)

    found = find(trained, test, "rare", Study(seeds=3), 100, Path("run"))

    assert found["compared"] == {"without": "oversampling", "with": "l2laug"}
    assert found["verdict"]["word"] == "unclear"
    assert found["changes"]["accuracy"]["difference"] == 0


def findings(of_share: dict[float, Labels], sweep: tuple[float, ...]) -> dict[str, Any]:
    test = ImageSet(np.zeros((80, 1, 2, 2), np.uint8), LABELS, ("common", "rare"), (Path(),) * 80)
    wrong = np.zeros_like(LABELS)
    trained = [Trained(arm, seed, 0.0, wrong) for arm in ARMS for seed in range(3)]
    trained += [
        Trained("classical + l2laug", seed, share, guesses)
        for share, guesses in of_share.items()
        for seed in range(3)
    ]
    return find(trained, test, "rare", Study(seeds=3, sweep=sweep), 100, Path("run"))


def test_the_verdict_is_of_samples_beside_classical_augmentation():
    found = findings({0.5: LABELS}, sweep=())

    assert found["verdict"]["word"] == "helps"
    assert found["verdict"]["difference"] == pytest.approx(1)
    assert found["compared"] == {"without": "classical", "with": "classical + l2laug"}
    assert found["classes"] == ["common", "rare"]
    assert len(found["outcomes"]) == 15
    assert found["outcomes"][0]["confusion"] == [[40, 0], [40, 0]]
    assert "sweep" not in found


def test_another_share_that_helps_does_not_change_the_verdict():
    wrong = np.zeros_like(LABELS)

    found = findings({0.25: LABELS, 0.5: wrong, 0.75: wrong}, sweep=(0.25, 0.75))

    assert found["verdict"]["word"] == "unclear"
    assert found["sweep"]["best"] == 0.25
    assert found["sweep"]["verdict"]["word"] == "helps"
    assert "0.25 is best" in found["notes"][-1]
