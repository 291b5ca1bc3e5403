"""Units of images and the choice of those to test on, by hand."""

from __future__ import annotations

import numpy as np

from l2laug.evaluation.leakage.near_identical import Pair
from l2laug.evaluation.leakage.units import choose_test, units_of


def test_units_go_through_pairs_and_groups():
    # 0 and 2 are near-identical, 2 and 3 of group a: all three stay together. 5 has no group.
    units = units_of(6, [Pair(0, 2, "", 3, 0.99)], ["b", "c", "a", "a", "c", None])

    assert units[0] == units[2] == units[3]
    assert units[1] == units[4]
    assert len(set(units.tolist())) == 3


def test_without_pairs_and_groups_each_image_stands_alone():
    assert units_of(3, [], []).tolist() == [0, 1, 2]


def test_single_images_are_chosen_up_to_the_share_rounded_up():
    labels = np.repeat([0, 1, 2], [10, 7, 1])
    kept = np.zeros(18, bool)
    kept[:8] = True

    chosen = choose_test(labels, np.arange(18), kept, rare=1, share=0.3, seed=0)

    assert not chosen[:8].any()
    assert chosen[8:10].all(), "three of ten are wanted, two may be tested on"
    assert chosen[10:17].all(), "the rare class is for tests, but what adapt saw"
    assert not chosen[17], "a class of one image is trained on"


def test_a_unit_is_on_one_side_over_all_seeds():
    random = np.random.default_rng(0)
    labels, units = np.repeat([0, 1, 2], 20), random.integers(0, 15, 60)
    kept = (labels == 0) & (np.arange(60) < 3)  # the support set
    for seed in range(20):
        chosen = choose_test(labels, units, kept, rare=0, share=0.3, seed=seed)
        base = labels != 0
        assert not set(units[chosen]) & set(units[base & ~chosen])
        assert not set(units[chosen]) & set(units[kept])
        assert all(chosen[labels == c].sum() <= 10 for c in (1, 2))


def test_units_with_rare_images_are_tested_on_first():
    # The support set is in the third group, another image of the rare class in the second.
    labels, units = np.array([1] * 12 + [0, 0]), np.array([0] * 3 + [1] * 3 + [2] * 6 + [2, 1])
    kept = np.arange(14) == 12

    for seed in range(5):
        chosen = choose_test(labels, units, kept, rare=0, share=0.3, seed=seed)
        assert np.flatnonzero(chosen).tolist() == [3, 4, 5, 13]


def test_large_units_are_tested_on_where_there_are_no_small_ones_but_never_most_of_a_class():
    kept, labels = np.zeros(20, bool), np.repeat([0, 1], 10)
    halves = np.concatenate([np.arange(10), [20] * 5 + [21] * 5])
    one = np.concatenate([np.arange(10), [20] * 6 + [21] * 4])
    all_one = np.concatenate([np.arange(10), [20] * 10])

    def tested(units: np.ndarray) -> int:
        return int(choose_test(labels, units, kept, rare=0, share=0.3, seed=0)[10:].sum())

    assert [tested(units) for units in (halves, one, all_one)] == [5, 4, 0]
