"""What the report says of a head's trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from l2laug.classification.arms.registry import ARMS, Setting
from l2laug.classification.predictions import Answers, Labels
from l2laug.classification.summary import advise, confirm, notes_on, summarise
from l2laug.classification.tuning import Tuned
from l2laug.classification.verdict import Verdict
from l2laug.data.image_set import ImageSet

LABELS = np.repeat([0, 1, 2], [40, 40, 40])  # 1 is rare
TEST = ImageSet(np.zeros((120, 1, 2, 2), np.uint8), LABELS, ("a", "rare", "b"), (Path(),) * 120)
NONE = np.where(LABELS == 1, 0, LABELS)
SOME = np.where((LABELS == 1) & (np.arange(120) % 2 == 0), 0, LABELS)


def found(**guesses: Labels) -> dict[str, Any]:
    """What is found where the three trainings of each arm say the same; others see nothing."""
    names = ("none", "oversampling", "classical", "samples", "classical + samples")
    said = {name: guesses.get(name.replace(" + ", "_"), NONE) for name in names}
    tuned = []
    for name in names:
        arm = ARMS[name]
        tuned.append(Tuned(arm, arm.middle, 0.1, arm.setting(arm.middle, Setting()), 0.5))
    answers = {n: [Answers(g, margins(g))] * 3 for n, g in said.items()}
    return summarise("probe", tuned, answers, TEST, "rare")


def margins(guesses: Labels) -> np.ndarray:
    """Of a classifier that is as sure of the class as it sees it."""
    return np.where(guesses == 1, 1.0, -1.0)


def test_samples_that_beat_the_best_training_without_them_help():
    entry = found(classical=SOME, classical_samples=LABELS)

    assert (entry["head"], entry["verdict"]) == ("probe", "helps")
    assert (entry["best_without"], entry["best_with"]) == ("classical", "classical + samples")
    assert entry["change"] == pytest.approx(1 - 2 * 20 / (40 + 20))
    assert entry["interval"][0] > 0
    assert [arm["name"] for arm in entry["arms"] if arm["samples"]] == [
        "samples",
        "classical + samples",
    ]
    assert entry["arms"][2]["rare_f1"] == pytest.approx([2 / 3] * 3)
    assert entry["arms"][3]["share"] == 0.5
    assert entry["confusion"]["without"] == [[40, 0, 0], [20, 20, 0], [0, 0, 40]]
    assert entry["loses_most"] is None


def test_a_verdict_stands_only_where_a_second_study_says_the_same():
    entry = found(classical=SOME, classical_samples=LABELS)
    other = found()
    assert (entry["again"], other["verdict"]) == (None, "unclear")

    stands, falls = confirm(entry, entry), confirm(entry, other)

    assert (stands["verdict"], falls["verdict"]) == ("helps", "unclear")
    assert stands["notes"] == entry["notes"]
    assert falls["again"]["verdict"] == "unclear"
    assert falls["again"]["change"] == other["change"]
    assert falls["change"] == entry["change"]
    assert "The first study says helps, a second one with other seeds unclear" in falls["notes"][-1]


def test_samples_that_beat_only_the_worse_training_do_not_help():
    entry = found(oversampling=LABELS, samples=LABELS, classical_samples=LABELS)

    assert (entry["verdict"], entry["best_without"]) == ("unclear", "oversampling")
    assert entry["changes"]["accuracy"]["difference"] == 0


def test_where_the_class_is_best_left_alone_samples_have_to_beat_that():
    entry = found(none=LABELS, samples=SOME)

    assert (entry["verdict"], entry["best_without"], entry["best_with"]) == (
        "hurts",
        "none",
        "samples",
    )


def test_help_that_costs_another_class_more_is_none():
    """All of b's images are taken for a's, three quarters of the rare class's are won."""
    won = np.where((LABELS == 1) & (np.arange(120) % 4 == 0), 0, LABELS)
    paid = np.where(LABELS == 2, 0, won)

    cheap, dear = found(samples=won), found(samples=paid)

    assert cheap["verdict"] == "helps"
    assert dear["change"] == cheap["change"]
    assert dear["verdict"] == "unclear"
    assert dear["loses_most"]["class"] == "b"
    assert dear["loses_most"]["change"] == pytest.approx(-1)
    assert "recall changes by +0.750 while that of b falls by 1.000" in dear["notes"][0]


def test_a_class_that_is_only_said_more_often_is_not_helped():
    """F1 rises from 0 to 1/2 as the class is said of every image: at the best threshold both do."""
    assert found(samples=LABELS)["changes"]["rare_auc"]["difference"] == pytest.approx(0.5)

    entry = found(samples=np.ones_like(LABELS))

    assert entry["changes"]["rare_auc"]["difference"] == 0
    assert entry["change"] == pytest.approx(0.5)
    assert entry["verdict"] == "unclear"
    assert entry["changes"]["rare_f1_at_best"]["difference"] == pytest.approx(0, abs=0.02)
    assert "with well-set decision thresholds" in entry["notes"][0]


def entry(word: str, best: str = "classical + samples", from_seeds: float = 0.5) -> dict[str, Any]:
    arms = [{"name": best, "share": 0.25}]
    base = "oversampling" if best == "samples" else "classical"
    about = {"best_with": best, "best_without": base, "from_seeds": from_seeds}
    return {"verdict": word, "arms": arms, **about}


def test_what_helps_comes_with_the_command_to_use_it():
    advice = advise(entry("helps"), 40, Path("my runs/cracks"), 1000)

    assert "l2laug sample 'my runs/cracks' -n 1000 -o augmented" in advice
    assert "train with classical augmentation and take 25%" in advice
    assert "without augmentation" in advise(entry("helps", "samples"), 40, Path("run"), 9)
    assert "l2laug sample" not in advise(entry("helps"), 40, None, 1000)


def test_where_it_is_unclear_the_advice_is_what_would_narrow_the_interval():
    def advice(word: str, from_seeds: float, tests: int) -> str:
        return advise(entry(word, from_seeds=from_seeds), tests, Path("run"), 10)

    assert "--seeds" in advice("unclear", 0.8, 40)
    assert "--test" in advice("unclear", 0.2, 40)
    assert "--test" in advice("unclear", 0.8, 5), "on five no word is said, however many seeds"
    assert advice("hurts", 0.5, 40) == "Train with classical alone."
    assert advise(entry("hurts", "samples"), 40, None, 1).startswith("Repeat the real images")


@pytest.mark.parametrize(
    ("tests", "words"),
    [(5, ["5 test images of cracks", "too few", "6"]), (12, ["12 test images", "0.15"])],
)
def test_few_test_images_are_said_to_be_few(tests: int, words: list[str]):
    (note,) = notes_on(Verdict("unclear", 0.1, -0.05, 0.25, 0.5), tests, "cracks")

    assert [word for word in words if word not in note] == []


def test_enough_test_images_need_no_note():
    assert notes_on(Verdict("unclear", 0.1, -0.05, 0.25, 0.5), 30, "cracks") == []
