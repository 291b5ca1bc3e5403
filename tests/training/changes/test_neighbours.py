"""Pairs of neighbours: found as planted, drawn as often as told, the same in every run."""

from __future__ import annotations

import numpy as np
import torch

from l2laug.training.changes.neighbours import NeighbourPairs, class_weights, nearest_in_class


def numbered(count: int, side: int = 16) -> np.ndarray:
    """Images whose left half is as bright as their number, in red, and their right half black."""
    pixels = np.zeros((count, 3, side, side), np.uint8)
    pixels[:, 0, :, : side // 2] = np.arange(count)[:, None, None] * 10 + 10
    return pixels


def test_neighbours_are_the_nearest_of_the_own_class() -> None:
    angles = np.array([0.0, 0.1, 0.5, 0.11, 0.02, 2.0])
    features = np.stack([np.cos(angles), np.sin(angles)], 1)
    labels = np.array([0, 0, 0, 1, 1, 2])
    nearest = nearest_in_class(features, labels, 2)
    # Row 3 lies next to row 1, which is of another class; row 5 is alone.
    assert nearest.tolist() == [[1, 2], [0, 2], [1, 0], [4, 4], [3, 3], [5, 5]]


def test_a_large_set_of_classes_does_not_drown_a_small_one() -> None:
    weights = class_weights(("a-1", "a-2", "a-3", "a-4", "b-1", "plain", "other"))
    # Four classes of a set stand for two, others for one each.
    assert np.allclose(weights, np.array([0.5, 0.5, 0.5, 0.5, 1, 1, 1]) / 5)


def test_classes_are_drawn_as_often_as_told_whatever_their_size() -> None:
    labels = np.array([0] * 9 + [1])
    nearest = np.roll(np.arange(10), 1)[:, None]
    pairs = NeighbourPairs(numbered(10), nearest, labels, np.array([1.0, 3.0]), 0)
    given, other = pairs.draw(4000)
    number = ((given[:, 0].amax((1, 2)) + 1) * 127.5).round().int() // 10 - 1
    partner = ((other[:, 0].amax((1, 2)) + 1) * 127.5).round().int() // 10 - 1
    assert abs((number == 9).float().mean() - 0.75) < 0.03
    assert (partner == (number - 1) % 10).all()


def test_both_of_a_pair_are_mirrored_or_made_grey_together() -> None:
    labels, nearest = np.zeros(4, np.int64), np.arange(4)[:, None]
    pairs = NeighbourPairs(numbered(4), nearest, labels, np.ones(1), 0, grey=0.25)
    given, other = pairs.draw(2000)
    assert torch.equal(given, other)
    mirrored = given[:, 0, 0, 0] < given[:, 0, 0, -1]
    grey = (given[:, 0] == given[:, 1]).all((1, 2))
    assert abs(mirrored.float().mean() - 0.5) < 0.04
    assert abs(grey.float().mean() - 0.25) < 0.04


def test_draw_number_i_depends_on_the_seed_and_i_alone() -> None:
    def pairs(seed: int) -> NeighbourPairs:
        labels, nearest = np.zeros(8, np.int64), np.roll(np.arange(8), 1)[:, None]
        return NeighbourPairs(numbered(8), nearest, labels, np.ones(1), seed)

    one, resumed = pairs(1), pairs(1)
    one.draw(8)
    resumed.drawn = 1
    second = one.draw(8)
    assert all(torch.equal(a, b) for a, b in zip(second, resumed.draw(8), strict=True))
    assert not torch.equal(second[0], pairs(2).draw(8)[0])
