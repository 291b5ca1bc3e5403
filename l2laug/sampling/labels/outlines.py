"""Outlines of objects: dense, mirrored at a border they touch, cut at the picture's edges."""

from __future__ import annotations

from itertools import product

import numpy as np

from l2laug.core.arrays import Points

TOUCH = 1.0  # pixels between an object and a border that it still touches
ALONG = 32  # pieces that a side of the picture is cut into; longer edges of outlines are too


def rectangle(box: tuple[float, float, float, float]) -> Points:
    """The corners ``(4, 2)`` of a box (left, top, right, bottom)."""
    x0, y0, x1, y1 = box
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64)


def dense(outline: Points, size: tuple[int, int], pieces: int = ALONG) -> Points:
    """An outline with points between its own where they are far apart: a change bends edges."""
    step = max(max(size) / pieces, 1.0)
    following = np.roll(outline, -1, axis=0)
    parts = []
    for here, there in zip(outline, following, strict=True):
        count = max(int(np.ceil(np.linalg.norm(there - here) / step)), 1)
        parts.append(here + (there - here) * (np.arange(count) / count)[:, None])
    return np.concatenate(parts)


def mirror_images(outline: Points, size: tuple[int, int], *, touching: bool) -> list[Points]:
    """An outline as it is seen beyond the borders, where the original goes on mirrored.

    Args:
        outline: ``(N, 2)``.
        size: width and height.
        touching: only beyond borders that it touches, where object and mirror image are one.
    """
    along = []
    for axis, side in enumerate(size):
        near = outline[:, axis].min() <= TOUCH or not touching
        far = outline[:, axis].max() >= side - TOUCH or not touching
        # Of each: its sign and its shift.
        along.append([(1, 0), *([(-1, 0)] if near else []), *([(-1, 2 * side)] if far else [])])
    found = []
    for (sign_x, shift_x), (sign_y, shift_y) in list(product(*along))[1:]:
        found.append(outline * (sign_x, sign_y) + (shift_x, shift_y))
    return found


def cut(outline: Points, size: tuple[int, int]) -> Points:
    """The part of an outline inside the picture ``(M, 2)``; M may be 0 (Sutherland, Hodgman 1974).

    Parts of a concave outline that come apart stay joined by a line on the border.
    """
    for axis, side in enumerate(size):
        for sign, limit in ((1.0, 0.0), (-1.0, -float(side))):
            if not len(outline):
                return outline
            inside = outline[:, axis] * sign - limit
            following, ahead = np.roll(outline, -1, axis=0), np.roll(inside, -1)
            kept: list[Points] = []
            for here, there, a, b in zip(outline, following, inside, ahead, strict=True):
                if a >= 0:
                    kept.append(here)
                if (a >= 0) != (b >= 0):
                    kept.append(here + (there - here) * (a / (a - b)))
            outline = np.array(kept, np.float64).reshape(-1, 2)
    return outline


def area(outline: Points) -> float:
    """In square pixels, whichever way round it goes."""
    if len(outline) < 3:
        return 0.0
    x, y = outline[:, 0], outline[:, 1]
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def bounds(outlines: list[Points]) -> tuple[float, float, float, float]:
    """The tight box around outlines, of which one at least has a point."""
    points = np.concatenate(outlines)
    (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
    return x0, y0, x1, y1
