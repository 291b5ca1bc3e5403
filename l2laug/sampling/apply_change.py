"""Apply a change that the model decided at its own size to an original of any size and depth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from l2laug.core.resampling import cubic_matrix

Array = NDArray[np.float32]
Picture = NDArray[Any]
CELLS = 4  # of the mesh to an interval between two nodes, at most; inside one motion is bilinear
CELL = 8  # pixels of a cell at least: smaller ones cost more than the pixels in them
KERNEL = 3  # pixels that bicubic interpolation may see beyond the one it is asked for
MOST_CHANNELS = 4  # of 8 bits that Pillow's pictures have
DARKEST = 1e-3  # of [0, 1]: below it the tone curve is a straight line


@dataclass(frozen=True)
class Change:
    """What the model decided about one image.

    Attributes:
        grid: ``(K, K, 2)``, x and y in [-1, 1] (and beyond) of where to read the original, at
            nodes that reach from border to border.
        tone: ``(C, 3)``, log gain, bias and log gamma of each channel's values in [0, 1].
        difference: ``(C, S, S)`` in [-2, 2] over an image in [-1, 1], added at the end.
    """

    grid: Array
    tone: Array
    difference: Array


def apply_change(original: Picture, change: Change, colours: int) -> Picture:
    """The original, read where the grid says, its tones curved, the drawn difference added.

    Beyond its borders the original is mirrored. The channels behind the colours are moved and
    nothing else; a single one is taken for alpha.

    Args:
        original: ``(H, W, C)``: unsigned integers over their type's whole range, or floats in
            [0, 1].
        change: of one channel, which then serves all colours, or of as many as there are colours;
            of others the mean serves.
        colours: how many of the channels are colours.

    Returns:
        An array of the original's shape and type.
    """
    tone, difference = (_for_channels(part, colours) for part in (change.tone, change.difference))
    changed = warp(original, change.grid, alpha=original.shape[2] == colours + 1)
    changed = _toned(changed, tone)
    for c in range(colours):
        changed[..., c] = _drawn_over(changed[..., c], difference[c])
    return changed


def warp(
    image: Picture,
    grid: Array,
    *,
    alpha: bool = False,
    nearest: bool = False,
    mirrored: bool = True,
) -> Picture:
    """Read an image ``(H, W, C)`` where a grid of nodes says, by a mesh of quadrilaterals.

    Args:
        image: unsigned integers or floats.
        grid: ``(K, K, 2)``, see :class:`Change`.
        alpha: whether the last channel is one; colours are weighed by it, so that hidden ones do
            not bleed into what is seen.
        nearest: take the nearest pixel, as labels need, in place of bicubic interpolation.
        mirrored: what lies beyond the borders is the mirrored image; otherwise 0.
    """
    h, w, channels = image.shape
    boxes, quads = _mesh(grid, h, w)
    outside = max(-quads.min(), (quads - (w, h)).max(), 0.0)
    margin = int(np.ceil(outside)) + KERNEL
    frame = ((margin, margin), (margin, margin), (0, 0))
    framed = np.pad(image, frame, mode="symmetric") if mirrored else np.pad(image, frame)
    mesh = list(zip(boxes, map(tuple, (quads + margin).reshape(-1, 8).tolist()), strict=True))
    how = Image.Resampling.NEAREST if nearest else Image.Resampling.BICUBIC

    def moved(pixels: Picture) -> Picture:
        picture = Image.fromarray(pixels).transform((w, h), Image.Transform.MESH, mesh, how)
        return np.array(picture)

    # Pillow moves these at once; where it weighs colours by alpha it rounds twice.
    if image.dtype == np.uint8 and channels in (1, 3):
        return moved(framed[..., 0] if channels == 1 else framed).reshape(image.shape)
    planes = framed.astype(np.float32)
    weighed = alpha and not nearest
    if weighed:
        planes[..., :-1] *= planes[..., -1:]
    found = np.stack([moved(planes[..., c]) for c in range(channels)], 2)
    if weighed:
        seen = found[..., -1:]
        found[..., :-1] = np.where(seen > 0, found[..., :-1] / np.maximum(seen, 1e-6), 0)
    return _as_type(found, image.dtype)


def _mesh(
    grid: Array, h: int, w: int
) -> tuple[list[tuple[int, int, int, int]], NDArray[np.float64]]:
    """Boxes of the result, and for each the corners ``(N, 4, 2)`` it is read from, in pixels.

    Corners go as Pillow wants them: upper left, lower left, lower right, upper right.
    """
    rows, columns = (cell_edges(side, grid.shape[0]) for side in (h, w))
    corners = corners_read(grid, rows, columns, (w, h))
    quads = np.stack(
        [corners[:-1, :-1], corners[1:, :-1], corners[1:, 1:], corners[:-1, 1:]], 2
    ).reshape(-1, 4, 2)
    left, top = np.meshgrid(columns[:-1], rows[:-1])
    right, bottom = np.meshgrid(columns[1:], rows[1:])
    ends = np.stack([left, top, right, bottom], 2).reshape(-1, 4).tolist()
    return [(a, b, c, d) for a, b, c, d in ends], quads


def cell_edges(side: int, nodes: int) -> NDArray[np.int64]:
    """Where the mesh's cells begin and end on a side, in whole pixels."""
    intervals = nodes - 1
    cells = min(max(side // (intervals * CELL), 1), CELLS) * intervals
    return np.unique(np.linspace(0, side, cells + 1).round().astype(np.int64))


def corners_read(
    grid: Array, rows: NDArray[np.int64], columns: NDArray[np.int64], size: tuple[int, int]
) -> NDArray[np.float64]:
    """Where in the original corners of cells are read, ``(len(rows), len(columns), 2)`` in pixels.

    Args:
        grid: see :class:`Change`.
        rows: y of the corners in the changed picture, in pixels.
        columns: x of them.
        size: width and height of the picture.
    """
    nodes, (w, h) = grid.shape[0], size
    down, across = (
        cubic_matrix((edges / side * (nodes - 1)).astype(np.float32), nodes)
        for edges, side in ((rows, h), (columns, w))
    )
    x, y = (down @ grid[..., i].astype(np.float64) @ across.T for i in (0, 1))
    return np.stack([(x + 1) / 2 * w, (y + 1) / 2 * h], 2)


def _for_channels(part: Array, colours: int) -> Array:
    if len(part) == colours:
        return part
    return np.repeat(part.mean(0, keepdims=True), colours, 0)


def _toned(picture: Picture, tones: Array) -> Picture:
    """The first channels through their curves: by tables for integers, floats by the formula."""
    if not tones.any():
        return picture
    if picture.dtype.kind != "u":
        for c, tone in enumerate(tones):
            picture[..., c] = _curve(np.clip(picture[..., c], 0, 1), tone)
        return picture
    top = np.iinfo(picture.dtype).max
    light = np.arange(top + 1, dtype=np.float32) / top
    tables = [(_curve(light, tone) * top).round().astype(picture.dtype) for tone in tones]
    if picture.dtype == np.uint8 and picture.shape[2] <= MOST_CHANNELS:
        tables += [np.arange(top + 1, dtype=np.uint8)] * (picture.shape[2] - len(tables))
        looked_up = Image.fromarray(picture.squeeze(2) if picture.shape[2] == 1 else picture)
        found: Picture = np.array(looked_up.point(np.concatenate(tables).tolist()))
        return found.reshape(picture.shape)
    for c, table in enumerate(tables):
        picture[..., c] = table.take(picture[..., c])
    return picture


def _curve(light: NDArray[Any], tone: Array) -> NDArray[Any]:
    gain, bias, gamma = tone
    raised = np.maximum(light, DARKEST) ** np.exp(gamma) * np.exp(gain) + bias
    curved: NDArray[Any] = np.clip(raised + np.minimum(light - DARKEST, 0), 0, 1)
    return curved


def _drawn_over(plane: Picture, difference: Array) -> Picture:
    """One channel and a difference ``(S, S)``, which is enlarged to its size and added."""
    if not difference.any():
        return plane
    size = (plane.shape[1], plane.shape[0])
    enlarged = np.asarray(Image.fromarray(difference).resize(size, Image.Resampling.BILINEAR))
    top = np.iinfo(plane.dtype).max if plane.dtype.kind == "u" else 1.0
    return _as_type(plane + enlarged * (top / 2), plane.dtype)


def _as_type(values: NDArray[Any], kind: np.dtype[Any]) -> Picture:
    """Values rounded and clipped to what a type holds; floats to [0, 1]."""
    if kind.kind == "u":
        values = np.clip(np.rint(values), 0, np.iinfo(kind).max)
    else:
        values = np.clip(values, 0, 1)
    typed: Picture = values.astype(kind)
    return typed
