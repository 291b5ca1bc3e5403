"""Copies: planted ones are caught, images as far apart as real ones are not."""

from __future__ import annotations

import numpy as np
import pytest

from l2laug.errors import ImageError
from l2laug.images import Pixels
from l2laug.scoring.copies import find_copies


def with_white(*squares: tuple[int, ...]) -> Pixels:
    """Black images with so many white squares, numbered 0 to 15, of a 4 x 4 board."""
    boards = np.zeros((len(squares), 16), np.uint8)
    for board, white in zip(boards, squares, strict=True):
        board[list(white)] = 255
    return boards.reshape(-1, 1, 4, 4).repeat(8, 2).repeat(8, 3)


# Any two of these differ in two squares, and from any of the unlike ones in three.
SUPPORT = with_white((0,), (1,), (2,), (3,))
OTHERS = with_white((4,), (5,))
UNLIKE = with_white(*((6, i) for i in range(7, 16)), (7, 8))


def test_planted_copies_are_caught_and_nothing_else():
    samples = UNLIKE.copy()
    samples[2], samples[7] = SUPPORT[0], SUPPORT[3]

    copies = find_copies(samples, SUPPORT)

    assert np.flatnonzero(copies.distances < copies.limit).tolist() == [2, 7]
    assert copies.share == 0.2


@pytest.mark.parametrize("others", [None, OTHERS])
def test_other_images_are_no_copies(others: Pixels | None):
    assert find_copies(UNLIKE, SUPPORT, others).share == 0


@pytest.mark.parametrize("change", ["shift", "noise", "brightness"])
def test_a_copy_in_slight_disguise_is_caught(change: str):
    support = SUPPORT
    if change == "shift":
        samples = np.roll(support, 1, axis=3)
    elif change == "noise":
        noise = np.random.default_rng(0).integers(-20, 20, support.shape)
        samples = (support + noise).clip(0, 255).astype(np.uint8)
    else:
        samples = (support * 0.9).astype(np.uint8)

    assert find_copies(samples, support).share == 1


def test_the_limit_is_the_nearest_real_image_in_hand_computed_units():
    """Plain images: grey levels 0, 51 and 255 are -1, -0.6 and 1, over 16 x 16 blurred pixels."""
    support = np.array([0, 255], np.uint8)[:, None, None, None] * np.ones((1, 1, 32, 32), np.uint8)
    others = np.full((1, 1, 32, 32), 51, np.uint8)
    samples = np.full((1, 1, 32, 32), 204, np.uint8)

    alone, beside = find_copies(samples, support), find_copies(samples, support, others)

    assert alone.limit == pytest.approx(2 * 16)
    assert beside.limit == pytest.approx(0.4 * 16)
    assert beside.distances == pytest.approx([0.4 * 16])


def test_a_support_image_given_twice_does_not_hide_copies():
    doubled = np.concatenate([SUPPORT, SUPPORT])

    assert find_copies(SUPPORT, doubled).share == 1


def test_one_real_image_is_no_yardstick():
    with pytest.raises(ImageError, match="one real image"):
        find_copies(UNLIKE, SUPPORT[:1])
    # Two squares of 4 x 4 blurred pixels differ, by 2 each.
    assert find_copies(UNLIKE, SUPPORT[:1], OTHERS).limit == pytest.approx(2 * 32**0.5)
