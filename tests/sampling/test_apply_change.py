"""Answers known without the code: shifts by whole pixels, flips, curves by hand, flat colours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from l2laug.sampling.apply_change import Change, apply_change, warp

NODES = 9


def grid(matrix: Any = ((1, 0), (0, 1)), shift: tuple[float, float] = (0, 0)) -> NDArray[Any]:
    """Nodes of an affine motion, from border to border."""
    ends = np.linspace(-1, 1, NODES)
    nodes = np.stack(np.meshgrid(ends, ends), 2)
    return (nodes @ np.array(matrix, float).T + shift).astype(np.float32)


def change(
    where: NDArray[Any], tone: Any = None, difference: Any = None, colours: int = 3
) -> Change:
    return Change(
        where,
        np.zeros((colours, 3), np.float32) if tone is None else np.array(tone, np.float32),
        np.zeros((colours, 4, 4), np.float32) if difference is None else difference,
    )


def photograph(shape: tuple[int, ...], kind: Any = np.uint8) -> NDArray[Any]:
    values = np.random.default_rng(0).random(shape)
    if np.dtype(kind).kind == "f":
        return values.astype(kind)
    return (values * np.iinfo(kind).max).astype(kind)


KINDS = [
    ((30, 50, 3), np.uint8, 3),
    ((50, 30, 1), np.uint8, 1),
    ((40, 40, 4), np.uint8, 3),
    ((40, 44, 2), np.uint8, 1),
    ((31, 47, 3), np.uint16, 3),
    ((31, 47, 4), np.uint16, 3),
    ((20, 30, 6), np.uint8, 6),
    ((20, 30, 1), np.float32, 1),
    ((1, 90, 3), np.uint8, 3),
]


@pytest.mark.parametrize(("shape", "kind", "colours"), KINDS)
def test_no_change_is_the_original(shape: Any, kind: Any, colours: int) -> None:
    original = photograph(shape, kind)
    if shape[2] == colours + 1:
        original[..., -1] = np.maximum(original[..., -1], original[..., -1].max() // 2)
    same = apply_change(original, change(grid(), colours=colours), colours)
    assert same.dtype == original.dtype
    step = 1e-5 if np.dtype(kind).kind == "f" else 1
    assert np.abs(same.astype(float) - original.astype(float)).max() <= step


@pytest.mark.parametrize(("shape", "kind"), [KINDS[i][:2] for i in (0, 4, 6, 7)])
def test_a_shift_by_whole_pixels_with_mirrored_border(shape: Any, kind: Any) -> None:
    original = photograph(shape, kind)
    w = shape[1]
    moved = warp(original, grid(shift=(2 * 5 / w, 0)))  # reads five pixels to the right
    wanted = np.concatenate([original[:, 5:], original[:, -1:-6:-1]], 1)
    tolerance = 1e-4 if np.dtype(kind).kind == "f" else 1
    assert np.abs(moved.astype(float) - wanted.astype(float)).max() <= tolerance


def test_a_half_turn_and_a_quarter_turn() -> None:
    original = photograph((32, 32, 3))
    half = warp(original, grid(((-1, 0), (0, -1))))
    assert np.abs(half.astype(int) - original[::-1, ::-1].astype(int)).max() <= 1
    quarter = warp(original, grid(((0, -1), (1, 0))))
    assert np.abs(quarter.astype(int) - np.rot90(original).astype(int)).max() <= 1


def test_a_curve_by_hand() -> None:
    original = np.full((4, 6, 3), 64, np.uint8)
    tone = [(np.log(1.5), 0, 0), (0, 0.25, 0), (0, 0, np.log(2))]
    changed = apply_change(original, change(grid(), tone), 3)
    by_hand = [64 * 1.5, 64 + 0.25 * 255, (64 / 255) ** 2 * 255]
    assert changed[2, 3] == pytest.approx(by_hand, abs=1)


def test_of_16_bits_the_curve_has_16_bits() -> None:
    original = np.arange(60000, 60064, dtype=np.uint16).reshape(8, 8, 1)
    changed = apply_change(original, change(grid(), [(np.log(0.5), 0, 0)], colours=1), 1)
    assert np.abs(changed.astype(int) - np.rint(original / 2).astype(int)).max() <= 1


def test_a_drawn_difference_is_enlarged_and_added() -> None:
    original = np.full((40, 80, 3), 100, np.uint8)
    drawn = np.zeros((3, 4, 4), np.float32)
    drawn[1] = 0.5  # of a range of two: a quarter of 255
    changed = apply_change(original, change(grid(), None, drawn), 3)
    assert np.unique(changed.reshape(-1, 3), axis=0).tolist() == [[100, 164, 100]]


def test_a_grey_change_serves_colour_and_leaves_alpha_alone() -> None:
    original = photograph((20, 20, 4))
    original[..., 3] = 200
    changed = apply_change(original, change(grid(), [(0, 0.1, 0)], colours=1), 3)
    assert (changed[..., 3] == 200).all()
    wanted = np.clip(original[..., :3] + 25.5, 0, 255)
    assert np.abs(changed[..., :3] - wanted).max() <= 2


def test_hidden_colours_do_not_bleed_into_a_sprite() -> None:
    sprite = np.zeros((32, 32, 4), np.uint8)
    sprite[..., 1] = 255  # hidden green all around
    sprite[8:24, 8:24] = (255, 0, 0, 255)
    moved = warp(sprite, grid(((0.9, 0.2), (-0.2, 0.9))), alpha=True)
    seen = moved[moved[..., 3] > 128]
    assert len(seen) > 100
    assert seen[:, 1].max() <= 8


def test_a_flat_ground_stays_one_colour() -> None:
    sprite = np.full((64, 48, 3), (255, 0, 255), np.uint8)
    bent = grid() + np.random.default_rng(1).normal(0, 0.05, (NODES, NODES, 2)).astype(np.float32)
    changed = apply_change(sprite, change(bent, [(0.1, -0.05, 0.2)] * 3), 3)
    assert len(np.unique(changed.reshape(-1, 3), axis=0)) == 1


def test_labels_stay_labels() -> None:
    mask = np.where(photograph((50, 60, 1)) > 128, 255, 7).astype(np.uint8)
    bent = grid() + np.random.default_rng(1).normal(0, 0.05, (NODES, NODES, 2)).astype(np.float32)
    assert set(np.unique(warp(mask, bent, nearest=True))) == {7, 255}


def test_a_painted_disc_and_its_mask_move_together() -> None:
    y, x = np.mgrid[:120, :160]
    disc = ((x - 70) ** 2 + (y - 60) ** 2 < 30**2)[..., None]
    bent = grid() + np.random.default_rng(2).normal(0, 0.04, (NODES, NODES, 2)).astype(np.float32)
    mask = warp(disc.astype(np.uint8) * 255, bent, nearest=True) > 127
    seen = warp(np.where(disc, 255, 0).astype(np.uint8), bent) > 127
    assert (mask & seen).sum() / (mask | seen).sum() >= 0.97
