"""What is painted into an image is found again where its labels say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from l2laug.core.errors import ImageError
from l2laug.data.datasets.dataset import Object
from l2laug.data.datasets.run_lengths import RunLengths
from l2laug.sampling.apply_change import Change, apply_change
from l2laug.sampling.labels.change_labels import change_labels
from tests.sampling.test_apply_change import NODES, change, grid

SIZE = W, H = 240, 180
SEEDS = range(6)


def bent(seed: int) -> Change:
    """A turn, a scale, a shift and a smooth flow, as models draw them and more."""
    random = np.random.default_rng(seed)
    turn, scale = random.normal(0, 0.12), random.uniform(0.85, 1.2)
    c, s = scale * np.cos(turn), scale * np.sin(turn)
    flow = random.normal(0, 0.03, (NODES, NODES, 2))
    where = grid(((c, -s), (s, c)), tuple(random.normal(0, 0.08, 2))) + flow
    return change(where.astype(np.float32))


def shifted(dx: float, dy: float = 0.0) -> Change:
    """A change that moves all to the right and down by so many pixels."""
    return change(grid(shift=(-2 * dx / W, -2 * dy / H)))


def painted(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.repeat(np.where(mask, 255, 0).astype(np.uint8)[..., None], 3, 2)


def seen(mask: NDArray[np.bool_], by: Change) -> NDArray[np.bool_]:
    """Where what was painted is seen in the changed image."""
    found: NDArray[np.bool_] = apply_change(painted(mask), by, 3)[..., 0] > 127
    return found


def disc(x: float, y: float, radius: float) -> NDArray[np.bool_]:
    down, across = np.mgrid[:H, :W] + 0.5
    found: NDArray[np.bool_] = (across - x) ** 2 + (down - y) ** 2 <= radius**2
    return found


def filled(x0: int, y0: int, x1: int, y1: int) -> NDArray[np.bool_]:
    mask = np.zeros((H, W), bool)
    mask[y0:y1, x0:x1] = True
    return mask


def box_of(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


def overlap(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    return float((a & b).sum() / (a | b).sum())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_disc_and_its_masks_move_with_the_image(seed: int) -> None:
    round_one = disc(110, 90, 40)
    there = seen(round_one, bent(seed))
    object_ = Object("a", box_of(round_one), rle=RunLengths.of_mask(round_one))
    other = np.where(round_one, 70_000, 3).astype(np.int32)
    found = change_labels(bent(seed), [object_], [round_one, other], SIZE)
    assert overlap(found.masks[0], there) >= 0.97
    assert (found.masks[1] == np.where(found.masks[0], 70_000, 3)).all()
    [moved] = found.objects
    assert moved.rle is not None
    assert overlap(moved.rle.mask(), there) >= 0.97
    assert moved.box == box_of(moved.rle.mask())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("box", [(70, 50, 170, 120), (0, 60, 90, 130), (150, 90, 240, 180)])
def test_a_filled_rectangle_is_found_where_its_box_says(
    seed: int, box: tuple[int, int, int, int]
) -> None:
    there = box_of(seen(filled(*box), bent(seed)))
    [moved] = change_labels(bent(seed), [Object("a", box)], [], SIZE).objects
    side = min(there[2] - there[0], there[3] - there[1])
    assert np.abs(np.array(moved.box) - there).max() <= max(0.02 * side, 1.0)  # pixels are whole


@pytest.mark.parametrize("seed", SEEDS)
def test_a_polygon_covers_what_is_painted(seed: int) -> None:
    corners = np.array([(60, 40), (180, 60), (160, 140), (90, 130)], float)
    before = inside(corners)
    [moved] = change_labels(
        bent(seed), [Object("a", (60, 40, 180, 140), (corners,))], [], SIZE
    ).objects
    [outline] = moved.polygons
    assert overlap(inside(outline), seen(before, bent(seed))) >= 0.97
    assert moved.box == (*outline.min(0), *outline.max(0))


def inside(corners: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Pixels whose centres lie in a polygon, by the parity of edges crossed."""
    down, across = np.mgrid[:H, :W] + 0.5
    found = np.zeros((H, W), bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, 0), strict=True):
        if y0 != y1:
            crossing = x0 + (down - y0) / (y1 - y0) * (x1 - x0)
            found ^= ((y0 > down) != (y1 > down)) & (across < crossing)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_a_keypoint_stays_on_its_dot(seed: int) -> None:
    points = np.array([(120, 90, 2), (80, 60, 1), (0, 0, 0)], float)
    box = (60.0, 40.0, 180.0, 140.0)
    [moved] = change_labels(bent(seed), [Object("a", box, keypoints=points)], [], SIZE).objects
    assert moved.keypoints is not None
    for (x, y, v), (now_x, now_y, now_v) in zip(points[:2], moved.keypoints, strict=False):
        down, across = np.nonzero(seen(disc(x, y, 2.5), bent(seed)))
        assert (now_x, now_y) == pytest.approx((across.mean() + 0.5, down.mean() + 0.5), abs=1)
        assert now_v == v
    assert moved.keypoints[2].tolist() == [0, 0, 0]


def test_what_leaves_the_picture_is_named() -> None:
    objects = [
        Object("gone", (200, 20, 240, 60)),
        Object("a tenth left", (130, 20, 230, 60)),
        Object("half left", (100, 20, 180, 60), keypoints=np.array([(110, 30, 2), (170, 30, 2)])),
    ]
    found = change_labels(shifted(100), objects, [], SIZE)
    assert [(d.index, d.label) for d in found.dropped] == [(0, "gone"), (1, "a tenth left")]
    assert [d.share for d in found.dropped] == pytest.approx([0, 0.1], abs=1e-3)
    [half] = found.objects
    assert half.box == pytest.approx((200, 20, 240, 60), abs=0.01)
    assert half.keypoints is not None
    assert half.keypoints.ravel().tolist() == pytest.approx([210, 30, 2, 0, 0, 0], abs=0.01)
    assert len(change_labels(shifted(100), objects, [], SIZE, min_share=0.05).objects) == 2


def test_a_mirror_image_apart_from_its_object_is_named() -> None:
    objects = [Object("near the border", (10, 20, 50, 60)), Object("far", (150, 20, 200, 60))]
    assert change_labels(shifted(60), objects, [], SIZE).mirrored == (0,)
    assert change_labels(shifted(0), objects, [], SIZE).mirrored == ()


def test_labels_of_a_picture_drawn_at_another_size() -> None:
    box, double = Object("a", (40, 40, 120, 100)), (2 * W, 2 * H)
    mask = filled(40, 40, 120, 100)
    found = change_labels(shifted(20, 10), [box], [mask], SIZE, drawn_size=double)
    assert found.objects[0].box == pytest.approx((120, 100, 280, 220), abs=0.01)
    assert box_of(found.masks[0]) == (120, 100, 280, 220)


@pytest.mark.parametrize("kind", [bool, np.uint8, np.uint16, np.int32, np.int64])
def test_masks_keep_their_values_types_and_shapes(kind: Any) -> None:
    ids = np.random.default_rng(0).integers(0, 2 if kind is bool else 100, (H, W)).astype(kind)
    colours = np.stack([ids, ids, ids], 2)
    found = change_labels(bent(0), [], [ids, colours], SIZE).masks
    assert [(m.shape, m.dtype) for m in found] == [(m.shape, m.dtype) for m in (ids, colours)]
    assert set(np.unique(found[0])) <= set(np.unique(ids))
    assert (found[1] == found[0][..., None]).all()


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ImageError, match="10x20 pixels, its image 240x180"):
        change_labels(shifted(0), [], [np.zeros((20, 10), np.uint8)], SIZE)


def test_parts_move_with_their_object_and_are_listed_where_they_leave() -> None:
    inside, leaving = Object("hand", (110, 60, 130, 80)), Object("foot", (212, 60, 236, 80))
    whole = Object("person", (100, 50, 236, 120), parts=(inside, leaving))
    found = change_labels(shifted(30, 10), [whole], [], SIZE)
    [person] = found.objects
    [hand] = person.parts
    assert hand.label == "hand"
    assert hand.box == pytest.approx((140, 70, 160, 90), abs=0.5)
    assert [(gone.index, gone.label) for gone in found.dropped] == [(0, "foot")]
