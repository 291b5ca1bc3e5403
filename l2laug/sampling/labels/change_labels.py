"""Boxes, polygons, keypoints and masks of an image, changed as the image is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2laug.core.arrays import Points
from l2laug.core.errors import ImageError
from l2laug.data.datasets.dataset import Object
from l2laug.data.datasets.run_lengths import RunLengths
from l2laug.sampling.apply_change import Change, warp
from l2laug.sampling.labels.forward_map import ForwardMap
from l2laug.sampling.labels.outlines import area, bounds, cut, dense, mirror_images, rectangle

Mask = NDArray[Any]
Size = tuple[int, int]
MIN_SHARE = 0.25  # of an object's area that must stay inside the picture
MIN_SIDE = 1.0  # pixels that its box must measure, each way


@dataclass(frozen=True)
class Dropped:
    """An object that the changed picture doesn't show any more.

    Attributes:
        index: of the object among those given.
        label: its class, or the name of that part of it which is lost alone.
        share: of its area that is inside the picture, 0 to 1.
    """

    index: int
    label: str
    share: float


@dataclass(frozen=True)
class ChangedLabels:
    """Labels of a changed picture.

    Attributes:
        objects: that it shows, in their order.
        masks: as many as were given, of the same types and values.
        dropped: objects that it doesn't show.
        mirrored: indices of objects that it shows once more, mirrored at a border, without a label.
    """

    objects: tuple[Object, ...]
    masks: tuple[Mask, ...]
    dropped: tuple[Dropped, ...]
    mirrored: tuple[int, ...]


def change_labels(
    change: Change,
    objects: Sequence[Object],
    masks: Sequence[Mask],
    size: Size,
    *,
    drawn_size: Size | None = None,
    min_share: float = MIN_SHARE,
) -> ChangedLabels:
    """Change an image's labels by the motion that :func:`apply_change` moves its pixels by.

    A new box is the tight one around the moved polygons where an object has some, around its
    moved mask where that is run-length encoded, and around the moved outline of the old box
    otherwise. An object that touches a border goes on beyond it, mirrored, as the image does.

    Args:
        change: of the image.
        objects: annotated in it, in its pixels.
        masks: of it, ``(H, W)`` or ``(H, W, C)``, of any integer type or bool: ids, or colours.
        size: its width and height, which the labels are for.
        drawn_size: width and height of the changed picture, if others.
        min_share: an object of which less is inside the changed picture is dropped.

    Raises:
        ImageError: a mask has another size than the image.
    """
    for mask in masks:
        if mask.shape[1::-1] != size:
            raise ImageError(
                f"A mask has {mask.shape[1]}x{mask.shape[0]} pixels, "
                f"its image {size[0]}x{size[1]}.",
                "Give masks of their images' size.",
            )
    scene = _Scene(change, size, drawn_size or size, min_share)
    kept, dropped, mirrored = list[Object](), list[Dropped](), list[int]()
    for index, one in enumerate(objects):
        moved, share = scene.moved(one)
        if moved is None:
            dropped.append(Dropped(index, one.label, share))
        else:
            parts = [(part.label, *scene.moved(part)) for part in one.parts]
            dropped += [Dropped(index, name, share) for name, part, share in parts if part is None]
            kept.append(replace(moved, parts=tuple(p for _, p, _ in parts if p is not None)))
        if scene.seen_again(one):
            mirrored.append(index)
    return ChangedLabels(
        tuple(kept),
        tuple(warp_mask(mask, change, scene.drawn_size) for mask in masks),
        tuple(dropped),
        tuple(mirrored),
    )


def warp_mask(
    mask: Mask, change: Change, drawn_size: Size | None = None, *, mirrored: bool = True
) -> Mask:
    """A mask moved as its image is; it holds no value that it did not hold before.

    Args:
        mask: ``(H, W)`` or ``(H, W, C)``, of any integer type or bool.
        change: of the image.
        drawn_size: width and height of the changed picture, if others.
        mirrored: as the image is, beyond its borders; otherwise nothing is there.
    """
    planes = mask[..., None] if mask.ndim == 2 else mask
    values, numbers = planes, planes
    if planes.dtype != np.uint8:  # Pillow holds no other integers: number the values
        values, numbers = np.unique(planes, return_inverse=True)
        numbers = numbers.reshape(planes.shape)
        if values[0] > 0 and not mirrored:
            values, numbers = np.concatenate([[0], values]), numbers + 1
        numbers = numbers.astype(np.uint8 if len(values) <= 256 else np.uint32)
    moved = warp(numbers, change.grid, nearest=True, mirrored=mirrored)
    if planes.dtype != np.uint8:
        moved = values.astype(planes.dtype)[moved]
    if drawn_size is not None and drawn_size != moved.shape[1::-1]:
        moved = _resized(moved, drawn_size)
    return moved.reshape(*moved.shape[:2], *mask.shape[2:])


def _resized(mask: Mask, size: Size) -> Mask:
    """The nearest pixel of each, centres on centres."""
    rows, columns = (
        ((np.arange(new) + 0.5) / new * old).astype(np.int64)
        for new, old in zip(size[::-1], mask.shape[:2], strict=True)
    )
    found: Mask = mask[rows][:, columns]
    return found


class _Scene:
    """The motion of one picture, and where its edges are."""

    def __init__(self, change: Change, size: Size, drawn_size: Size, min_share: float) -> None:
        self.change, self.size, self.drawn_size = change, size, drawn_size
        self.min_share = min_share
        self._map = ForwardMap(change.grid, size)
        self._scale = np.array(drawn_size) / np.array(size)

    def moved(self, one: Object) -> tuple[Object | None, float]:
        """An object in the changed picture, and the share of it that is inside."""
        outlines = one.polygons or (rectangle(one.box),)
        share = self._share(outlines)
        if share < self.min_share:
            return None, share
        parts = [part for outline in outlines for part in self._visible(outline)]
        rle, parts = self._encoded(one, parts)
        if not parts:
            return None, share
        box = bounds(parts)
        if min(box[2] - box[0], box[3] - box[1]) < MIN_SIDE:
            return None, share
        polygons = tuple(parts) if one.polygons else ()
        return replace(
            one, box=box, polygons=polygons, keypoints=self._keypoints(one), rle=rle
        ), share

    def seen_again(self, one: Object) -> bool:
        """Whether a mirror image of an object is seen apart from it."""
        outline = rectangle(one.box)
        joined = [tuple(m.ravel()) for m in mirror_images(outline, self.size, touching=True)]
        apart = [
            mirror
            for mirror in mirror_images(outline, self.size, touching=False)
            if tuple(mirror.ravel()) not in joined and self._within_reach(mirror)
        ]
        return any(self._share((mirror,)) >= self.min_share for mirror in apart)

    def _within_reach(self, outline: Points) -> bool:
        least, largest = self._map.reach
        return bool((outline.max(0) > least).all() and (outline.min(0) < largest).all())

    def _to_picture(self, outline: Points) -> Points:
        points: Points = self._map(outline) * self._scale
        return points

    def _share(self, outlines: Sequence[Points]) -> float:
        whole = inside = 0.0
        for outline in outlines:
            placed = self._to_picture(dense(outline, self.size))
            whole, inside = whole + area(placed), inside + area(cut(placed, self.drawn_size))
        return inside / whole if whole > 0 else 0.0

    def _visible(self, outline: Points) -> list[Points]:
        """What is seen of an outline and of the mirror images that it is one with."""
        found = []
        mirrors = mirror_images(outline, self.size, touching=True)
        for part in (outline, *(m for m in mirrors if self._within_reach(m))):
            seen = cut(self._to_picture(dense(part, self.size)), self.drawn_size)
            if area(seen) > 0:
                found.append(seen)
        return found

    def _encoded(self, one: Object, parts: list[Points]) -> tuple[RunLengths | None, list[Points]]:
        """The mask of an object moved, and the outline of its tight box in place of ``parts``."""
        if one.rle is None:
            return None, parts
        touching = bool(mirror_images(rectangle(one.box), self.size, touching=True))
        mask = warp_mask(one.rle.mask(), self.change, self.drawn_size, mirrored=touching)
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        encoded = RunLengths.of_mask(mask, compressed=one.rle.compressed)
        if not len(rows):
            return encoded, []
        tight = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
        return encoded, [rectangle(tight)]

    def _keypoints(self, one: Object) -> NDArray[np.float64] | None:
        """Keypoints moved; of one that leaves the picture COCO's visibility becomes 0."""
        if one.keypoints is None:
            return None
        moved = np.zeros_like(one.keypoints, np.float64)
        known = np.flatnonzero(one.keypoints[:, 2] > 0)
        places = self._to_picture(one.keypoints[known, :2])
        inside = ((places >= 0) & (places <= self.drawn_size)).all(1)
        moved[known[inside], :2] = places[inside]
        moved[known[inside], 2] = one.keypoints[known[inside], 2]
        return moved
