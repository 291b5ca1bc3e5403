"""What the report says of finished trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l2laug.classification.predictions import Labels, Trained
from l2laug.classification.study import Study, usual_steps
from l2laug.classification.summary import advise, better, find, notes_on
from l2laug.classification.verdict import Verdict
from l2laug.data.image_set import ImageSet

ARMS = ("none", "oversampling", "classical")
BESIDE = ("classical", "classical + l2laug")


def verdict(word: str, from_seeds: float = 0.5) -> Verdict:
    return Verdict(word, 0.1, -0.05, 0.25, from_seeds)


def test_what_helps_comes_with_the_command_to_use_it():
    advice = advise(verdict("helps"), *BESIDE, 40, Path("my runs/cracks"), 1000, 0.5)

    assert "l2laug sample 'my runs/cracks' -n 1000 -o augmented" in advice
    assert "50%" in advice


def test_where_it_is_unclear_the_advice_is_what_would_narrow_the_interval():
    def advice(word: str, from_seeds: float, tests: int) -> str:
        return advise(verdict(word, from_seeds), *BESIDE, tests, Path("run"), 10, 0.5)

    assert "--seeds" in advice("unclear", 0.8, 40)
    assert "--test" in advice("unclear", 0.2, 40)
    assert "--test" in advice("unclear", 0.8, 5), "on five no word is said, however many seeds"
    assert "classical augmentation alone" in advice("hurts", 0.5, 40)


def test_where_classical_augmentation_does_worse_the_advice_leaves_it_out():
    def advice(word: str) -> str:
        return advise(verdict(word), "oversampling", "l2laug", 40, Path("run"), 10, 0.5)

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
TEST = ImageSet(np.zeros((80, 1, 2, 2), np.uint8), LABELS, ("base", "rare"), (Path(),) * 80)


def trainings(arm: str, *found: Labels, share: float = 0.0) -> list[Trained]:
    return [Trained(arm, seed, share, guesses) for seed, guesses in enumerate(found)]


SOME = np.where(np.arange(80) < 60, LABELS, 0)  # half of the rare class is seen
NONE = np.zeros_like(LABELS)


@pytest.mark.parametrize(
    ("classical", "repeated", "best"),
    [(LABELS, SOME, "classical"), (SOME, LABELS, "oversampling"), (SOME, SOME, "classical")],
)
def test_of_two_arms_the_one_with_the_higher_mean_is_taken(
    classical: Labels, repeated: Labels, best: str
):
    trained = [*trainings("oversampling", NONE, repeated), *trainings("classical", NONE, classical)]

    assert better(("classical", "oversampling"), trained, LABELS, 1, 0.5) == best


def study(repeated: Labels, classical: Labels, alone: Labels, both: Labels) -> dict[str, Any]:
    """What is found where the three trainings of each arm say the same."""
    trained = [*trainings("none", *[NONE] * 3), *trainings("oversampling", *[repeated] * 3)]
    trained += trainings("classical", *[classical] * 3)
    trained += trainings("l2laug", *[alone] * 3, share=0.5)
    trained += trainings("classical + l2laug", *[both] * 3, share=0.5)
    return find(trained, TEST, "rare", Study(seeds=3), 100, Path("run"))


def test_samples_that_beat_only_the_worse_training_do_not_help():
    found = study(repeated=LABELS, classical=NONE, alone=LABELS, both=LABELS)

    assert found["compared"] == {"without": "oversampling", "with": "classical + l2laug"}
    assert found["verdict"]["word"] == "unclear"
    assert found["changes"]["accuracy"]["difference"] == 0


def test_samples_that_do_better_alone_help_where_classical_augmentation_does_harm():
    found = study(repeated=NONE, classical=SOME, alone=LABELS, both=NONE)

    assert found["compared"] == {"without": "classical", "with": "l2laug"}
    assert found["verdict"]["word"] == "helps"
    assert "without classical augmentation" in found["advice"]


def test_where_the_class_is_best_left_alone_samples_have_to_beat_that():
    trained = trainings("none", *[LABELS] * 3)
    for arm, share in (("oversampling", 0), ("classical", 0), ("l2laug", 0.5)):
        trained += trainings(arm, *[NONE] * 3, share=share)
    trained += trainings("classical + l2laug", *[SOME] * 3, share=0.5)
    found = find(trained, TEST, "rare", Study(seeds=3), 100, Path("run"))

    assert found["compared"] == {"without": "none", "with": "classical + l2laug"}
    assert found["verdict"]["word"] == "hurts"
    assert "need not be seen more often" in found["advice"]


def findings(of_share: dict[float, Labels], sweep: tuple[float, ...]) -> dict[str, Any]:
    trained = [t for arm in ARMS for t in trainings(arm, *[NONE] * 3)]
    trained += trainings("l2laug", *[NONE] * 3, share=0.5)
    for share, guesses in of_share.items():
        trained += trainings("classical + l2laug", *[guesses] * 3, share=share)
    return find(trained, TEST, "rare", Study(seeds=3, sweep=sweep), 100, Path("run"))


def test_the_verdict_is_of_samples_beside_classical_augmentation():
    found = findings({0.5: LABELS}, sweep=())

    assert found["verdict"]["word"] == "helps"
    assert found["verdict"]["difference"] == pytest.approx(1)
    assert found["compared"] == {"without": "classical", "with": "classical + l2laug"}
    assert found["classes"] == ["base", "rare"]
    assert len(found["outcomes"]) == 15
    assert found["outcomes"][0]["confusion"] == [[40, 0], [40, 0]]
    assert "sweep" not in found


def test_another_share_that_helps_does_not_change_the_verdict():
    found = findings({0.25: LABELS, 0.5: NONE, 0.75: NONE}, sweep=(0.25, 0.75))

    assert found["verdict"]["word"] == "unclear"
    assert found["sweep"]["best"] == 0.25
    assert found["sweep"]["verdict"]["word"] == "helps"
    assert "0.25 is best" in found["notes"][-1]


def test_many_classes_take_longer():
    assert [usual_steps(n) for n in (2, 25, 100)] == [200, 200, 800]
