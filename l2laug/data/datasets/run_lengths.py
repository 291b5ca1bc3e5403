"""COCO's run-length encoding of binary masks (pycocotools' ``maskApi.c``), in NumPy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SHIFT, MORE, SIGN, FIRST = 5, 0x20, 0x10, 48  # bits a letter, its flags, the code of its zero


@dataclass(frozen=True)
class RunLengths:
    """A binary mask as lengths of runs, down each column, zeros first.

    Attributes:
        size: height and width in pixels.
        counts: ``(R,)`` int64, the lengths; they sum to height times width.
        compressed: whether the file held a string (True) or a list of numbers.
    """

    size: tuple[int, int]
    counts: NDArray[np.int64]
    compressed: bool = True

    @classmethod
    def of_mask(cls, mask: NDArray[np.bool_], *, compressed: bool = True) -> RunLengths:
        """Encode a mask ``(H, W)``."""
        flat = np.asarray(mask, bool).ravel(order="F")
        edges = np.flatnonzero(np.diff(flat)) + 1
        bounds = np.concatenate([[0], edges, [flat.size]])
        lengths = np.diff(bounds)
        if flat.size and flat[0]:
            lengths = np.concatenate([[0], lengths])
        return cls((mask.shape[0], mask.shape[1]), lengths.astype(np.int64), compressed)

    @classmethod
    def of_json(cls, value: object) -> RunLengths:
        """Read ``{"size": [H, W], "counts": [...] or "..."}``.

        Raises:
            ValueError: it is no such thing, or the lengths don't fill the mask.
        """
        if not isinstance(value, dict) or not {"size", "counts"} <= value.keys():
            raise ValueError("a run-length encoding needs size and counts")
        height, width = (int(side) for side in value["size"])
        counts = value["counts"]
        text = isinstance(counts, str)
        lengths = _decompress(counts) if isinstance(counts, str) else np.array(counts, np.int64)
        if lengths.ndim != 1 or (lengths < 0).any() or lengths.sum() != height * width:
            raise ValueError(f"the run lengths don't fill {width} x {height} pixels")
        return cls((height, width), lengths, text)

    def mask(self) -> NDArray[np.bool_]:
        """The mask, ``(H, W)``."""
        values = np.arange(len(self.counts)) % 2 == 1
        return np.repeat(values, self.counts).reshape(self.size, order="F")

    def to_json(self) -> dict[str, object]:
        """As COCO writes it, a string where it came as one."""
        counts = _compress(self.counts) if self.compressed else self.counts.tolist()
        return {"size": list(self.size), "counts": counts}


def _decompress(text: str) -> NDArray[np.int64]:
    """Lengths of a string: numbers in groups of five bits, from the third on as differences."""
    counts: list[int] = []
    number = place = 0
    for letter in text:
        code = ord(letter) - FIRST
        if not 0 <= code < 64:
            raise ValueError(f"{letter!r} is no letter of a run-length encoding")
        number |= (code & 0x1F) << (SHIFT * place)
        place += 1
        if not code & MORE:
            if code & SIGN:
                number -= 1 << (SHIFT * place)
            counts.append(number + (counts[-2] if len(counts) > 2 else 0))
            number = place = 0
    if place:
        raise ValueError("the run-length encoding ends in the middle of a number")
    return np.array(counts, np.int64)


def _compress(counts: NDArray[np.int64]) -> str:
    letters = []
    for index, count in enumerate(counts.tolist()):
        number = count - (int(counts[index - 2]) if index > 2 else 0)
        more = True
        while more:
            code = number & 0x1F
            number >>= SHIFT
            more = number != -1 if code & SIGN else number != 0
            letters.append(chr((code | MORE if more else code) + FIRST))
    return "".join(letters)
