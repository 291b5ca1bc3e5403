"""Where the points of an original come to lie in its changed picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from l2laug.core.arrays import Points
from l2laug.sampling.apply_change import Array, cell_edges, corners_read

BEYOND = 2  # sides of the picture that the map reaches beyond its borders
STEPS, WHOLE_STEPS = 30, 12  # of Newton's method, at most
CLOSE = 1e-6  # pixels


class ForwardMap:
    """The inverse of the mesh that :func:`l2laug.sampling.apply_change.warp` reads an image by.

    Inside a cell the mesh is bilinear; its inverse is found by Newton's method, from the affine
    motion that is nearest to the mesh. Where the mesh folds, one of several answers is given.

    Args:
        grid: ``(K, K, 2)``, see :class:`l2laug.sampling.apply_change.Change`.
        size: width and height of the picture in pixels.

    Attributes:
        reach: the least and the largest x and y of the original that are read.
    """

    def __init__(self, grid: Array, size: tuple[int, int]) -> None:
        columns, rows = (cell_edges(side, grid.shape[0]) for side in size)
        read = corners_read(grid, rows, columns, size)
        plane = np.stack(np.meshgrid(columns, rows), 2).reshape(-1, 2).astype(np.float64)
        self._to_original = _affine(plane, read.reshape(-1, 2))
        self._to_picture = _affine(read.reshape(-1, 2), plane)
        # Beyond the borders what the flow adds to the affine motion stays as it is on them: what
        # lies there is only asked how much of it is seen.
        added = read - _moved(plane, self._to_original).reshape(read.shape)
        self._x, self._y = (
            np.concatenate([[-BEYOND * side], edges, [(1 + BEYOND) * side]])
            for side, edges in zip(size, (columns, rows), strict=True)
        )
        self._corners = np.stack(np.meshgrid(self._x, self._y), 2).reshape(-1, 2).astype(np.float64)
        affine = _moved(self._corners, self._to_original)
        self._read = np.pad(added, ((1, 1), (1, 1), (0, 0)), "edge") + affine.reshape(
            len(self._y), len(self._x), 2
        )
        self.reach = read.reshape(-1, 2).min(0), read.reshape(-1, 2).max(0)

    def __call__(self, points: Points) -> Points:
        """Points ``(N, 2)`` of the original, x and y in pixels, in the changed picture."""
        points = np.asarray(points, np.float64).reshape(-1, 2)
        found, missed = self._newton(points, _moved(points, self._to_picture))
        again = missed > 1e-2
        if again.any():  # from the nearest corner of a cell
            flat = self._read.reshape(-1, 2)
            gaps = np.linalg.norm(points[again, None] - flat[None], axis=2)
            other, left = self._newton(points[again], self._corners[gaps.argmin(1)])
            found[again] = np.where((left < missed[again])[:, None], other, found[again])
        return found

    def read_at(self, points: Points) -> Points:
        """Where in the original the points ``(N, 2)`` of the changed picture are read."""
        return self._bilinear(np.asarray(points, np.float64).reshape(-1, 2))[0]

    def _newton(self, wanted: Points, start: Points) -> tuple[Points, NDArray[np.float64]]:
        """Places that are read at ``wanted``, and by how many pixels they miss it."""
        now, best = start.copy(), start.copy()
        missed = np.full(len(wanted), np.inf)
        for step in range(STEPS):
            read, slopes = self._bilinear(now)
            gap = wanted - read
            length = np.linalg.norm(gap, axis=1)
            better = length < missed
            best[better], missed[better] = now[better], length[better]
            if not len(wanted) or missed.max() < CLOSE:
                break
            flat = np.abs(np.linalg.det(slopes)) < 1e-6
            slopes[flat] = np.eye(2)
            # Half steps later on: whole ones may go to and fro between two cells.
            now = now + np.linalg.solve(slopes, gap[..., None])[..., 0] * (
                1.0 if step < 12 else 0.5
            )
        return best, missed

    def _bilinear(self, points: Points) -> tuple[Points, NDArray[np.float64]]:
        """Where points are read ``(N, 2)``, and the slopes ``(N, 2, 2)`` there."""
        column, row = (
            np.clip(np.searchsorted(edges, points[:, i], "right") - 1, 0, len(edges) - 2)
            for i, edges in enumerate((self._x, self._y))
        )
        width = (self._x[column + 1] - self._x[column])[:, None]
        height = (self._y[row + 1] - self._y[row])[:, None]
        s = (points[:, :1] - self._x[column][:, None]) / width
        t = (points[:, 1:] - self._y[row][:, None]) / height
        a, b = self._read[row, column], self._read[row, column + 1]
        c, d = self._read[row + 1, column], self._read[row + 1, column + 1]
        read = (1 - t) * ((1 - s) * a + s * b) + t * ((1 - s) * c + s * d)
        along_x = ((1 - t) * (b - a) + t * (d - c)) / width
        along_y = ((1 - s) * (c - a) + s * (d - b)) / height
        return read, np.stack([along_x, along_y], 2)


def _affine(points: Points, places: Points) -> Points:
    """The affine motion ``(3, 2)`` that brings points nearest to places (least squares)."""
    found, *_ = np.linalg.lstsq(np.c_[points, np.ones(len(points))], places, rcond=None)
    return np.asarray(found, np.float64)


def _moved(points: Points, affine: Points) -> Points:
    moved: Points = points @ affine[:2] + affine[2]
    return moved
