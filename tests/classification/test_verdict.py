"""Verdicts: by hand where it is possible, else by how often they are wrong of what chance made."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from l2laug.classification.jackknife import Floats, ranking_pseudovalues
from l2laug.classification.jackknife import pseudovalues as of_every_score
from l2laug.classification.verdict import Seen, decide, f1, ranking_change, variance_of_mean


def seen(*rows: str) -> Seen:
    return np.array([[letter == "x" for letter in row] for row in rows])


def pseudovalues(truth: Seen, guesses: Seen) -> Floats:
    """Of F1."""
    labels, said = truth.astype(np.int64), guesses.astype(np.int64)
    return of_every_score(labels, 2, 1, said)["rare_f1"][1]


def truth(rare: int, others: int) -> Seen:
    return np.arange(rare + others) < rare


def test_f1_and_what_each_image_says_of_it():
    which = truth(2, 2)
    guesses = seen("x.x.")

    # One of two found, one of two found wrongly: F1 is 2 * 1 / (2 + 2).
    assert f1(which, guesses) == pytest.approx([0.5])
    # Without each of the images in turn F1 is 0, 2/3, 2/3 and 1/2; a pseudovalue is 4 F1 - 3 of it.
    assert pseudovalues(which, guesses) == pytest.approx(np.array([[2.0, 0.0, 0.0, 0.5]]))


def test_f1_is_0_where_nothing_was_seen():
    assert f1(truth(2, 2), seen("....", "xx..")) == pytest.approx([0, 1])
    assert np.isfinite(pseudovalues(truth(1, 2), seen("..."))).all()


def test_the_variance_of_two_seeds_on_two_images_by_hand():
    """Means of the seeds 1.5 and 4.5, of the images 2 and 4: mean squares are 9, 4 and 1."""
    variance, freedom, from_seeds = variance_of_mean(np.array([[1.0, 2.0], [3.0, 6.0]]), cases=2)

    assert variance == pytest.approx((9 + 4 - 1) / 4)
    assert freedom == pytest.approx(12**2 / (9**2 + 4**2 + 1**2))
    assert from_seeds == pytest.approx(9 / 12)


def test_the_difference_is_the_mean_of_the_pairs():
    which = truth(8, 8)
    without = np.stack([which, which])
    without[0, :4] = False  # four of eight found, none wrongly: F1 is 2 * 4 / (8 + 4)

    verdict = decide(which, without, np.stack([which, which]))

    assert verdict.difference == pytest.approx((1 / 3 + 0) / 2)
    assert verdict.low < verdict.difference < verdict.high


def made_up(random: np.random.Generator, rare: int, gain: float) -> tuple[Seen, Seen, Seen]:
    """Five pairs of classifiers: some images are harder, some seeds and some pairs luckier."""
    which = truth(rare, 3 * rare)
    hard = random.normal(0, 1.5, len(which))

    def arm(more: float) -> Seen:
        own = random.normal(0, 0.5, len(which))
        noise = random.normal(0, 1, (5, len(which))) + random.normal(0, 0.4, (5, 1))
        found: Seen = np.where(which, 1.0 + more, -3.0) + hard + own + noise > 0
        return found

    return which, arm(0), arm(gain)


@pytest.mark.parametrize("rare", [8, 40])
def test_where_there_is_no_difference_one_in_twenty_words_is_wrong_at_most(rare: int):
    random = np.random.default_rng(rare)

    words = [decide(*made_up(random, rare, 0)).word for _ in range(400)]

    # Of 400, 20 are allowed; more than 31 would be chance in 1 of 100 runs.
    assert 400 - words.count("unclear") <= 31


def test_the_interval_covers_the_real_difference_about_19_times_in_20():
    random = np.random.default_rng(0)
    verdicts = [decide(*made_up(random, 40, 1.0)) for _ in range(400)]
    real = np.mean([v.difference for v in verdicts])

    inside = np.mean([v.low <= real <= v.high for v in verdicts])

    assert 0.92 < inside <= 1
    assert np.mean([v.word == "helps" for v in verdicts]) > 0.5


def test_the_other_way_round_what_helps_hurts():
    which, without, with_samples = made_up(np.random.default_rng(1), 60, 3.0)
    helps, hurts = decide(which, without, with_samples), decide(which, with_samples, without)

    assert (helps.word, hurts.word) == ("helps", "hurts")
    assert (hurts.low, hurts.high) == pytest.approx((-helps.high, -helps.low))


def test_no_difference_at_all_is_unclear():
    which = truth(10, 10)
    verdict = decide(which, np.stack([which] * 3), np.stack([which] * 3))

    assert (verdict.word, verdict.low, verdict.high) == ("unclear", 0, 0)


def test_a_single_pair_proves_nothing():
    which = truth(10, 10)
    verdict = decide(which, ~which[None], which[None])

    assert (verdict.word, verdict.low, verdict.high) == ("unclear", -1, 1)


@pytest.mark.parametrize(("rare", "word"), [(5, "unclear"), (6, "helps")])
def test_no_word_is_said_on_fewer_than_six_images(rare: int, word: str):
    which = truth(rare, 30)

    assert decide(which, np.stack([~which] * 5), np.stack([which] * 5)).word == word


def test_more_test_images_narrow_the_interval():
    def width(rare: int) -> float:
        random = np.random.default_rng(2)
        verdicts = [decide(*made_up(random, rare, 0.5)) for _ in range(20)]
        return float(np.mean([v.high - v.low for v in verdicts]))

    assert width(160) < 0.7 * width(20)


def test_the_area_under_the_roc_curve_and_its_pseudovalues_are_scikit_learns():
    random = np.random.default_rng(0)
    which = random.permutation(truth(7, 12))
    margins = np.round(random.normal(which, 1.0, (2, 19)), 1)  # rounded, so that some are tied

    scores, values = ranking_pseudovalues(which, margins)

    assert scores == pytest.approx([roc_auc_score(which, m) for m in margins])
    for i in range(19):
        rest = np.arange(19) != i
        less = [roc_auc_score(which[rest], m[rest]) for m in margins]
        assert values[:, i] == pytest.approx(19 * scores - 18 * np.array(less))


def test_a_better_ranking_is_told_from_the_same_one():
    random = np.random.default_rng(1)
    which = truth(40, 120)
    margins = random.normal(0, 1, (5, 160)) + which

    better, same = (ranking_change(which, margins, margins + m * which) for m in (1.0, 0.0))

    assert better.low > 0
    assert (same.difference, same.low, same.high) == (0, 0, 0)
