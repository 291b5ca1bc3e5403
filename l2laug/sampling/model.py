"""An adapted model as an object that draws arrays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from l2laug.sampling.sampler import Sampler

# Imports stand in the methods: `import l2laug` shows this class without loading NumPy.


class Model:
    """An adapted model that draws images of its class as arrays; see :func:`l2laug.load`."""

    def __init__(self, sampler: Sampler) -> None:
        self._sampler = sampler
        self.class_name = sampler.card.class_name
        self.size = sampler.card.size
        self.channels = sampler.card.channels

    def sample(self, count: int, seed: int = 0, size: int | None = None) -> NDArray[np.uint8]:
        """Draw images ``0`` to ``count - 1`` of a seed as squares in one array.

        They are those that ``l2laug sample --size`` writes, in 8 bits, transparency over white.

        Args:
            count: how many, 1 or more.
            seed: of the images; image ``i`` of a seed is always the same.
            size: side of the squares, 8 to 4096; the model's own by default.

        Returns:
            uint8 ``(count, S, S, C)``, ``C`` being 1 for grey and 3 for RGB.

        Raises:
            UsageError: the count or the size is out of range.

        Example:
            >>> import l2laug
            >>> model = l2laug.load("l2laug-runs/crack")
            >>> model.sample(2, seed=1, size=64).shape
            (2, 64, 64, 1)
        """
        import numpy as np

        from l2laug.sampling.render import PictureOptions, render, square

        side = PictureOptions(self.size if size is None else size).size
        _check(count)
        squares = [
            square(render(self._sampler, drawn, k, side), self.channels)
            for drawn in self._sampler.draw(count, seed)
            for k in range(len(drawn.indices))
        ]
        return np.ascontiguousarray(np.stack(squares).transpose(0, 2, 3, 1))

    def pictures(self, count: int, seed: int = 0) -> Iterator[NDArray[Any]]:
        """Draw the same images, each as ``l2laug sample`` writes it.

        That is at the size, depth and channels of the rare image it comes from, where the bundle
        changes images at their own size; else at the model's.

        Args:
            count: how many, 1 or more.
            seed: of the images.

        Yields:
            ``(H, W, C)`` of the type that the original has, such as uint8.

        Raises:
            UsageError: the count is less than 1.

        Example:
            >>> import l2laug
            >>> model = l2laug.load("l2laug-runs/crack")
            >>> [picture.shape for picture in model.pictures(2)]
            [(32, 32, 1), (32, 32, 1)]
        """
        from l2laug.sampling.render import render

        _check(count)
        for drawn in self._sampler.draw(count, seed):
            for k in range(len(drawn.indices)):
                yield render(self._sampler, drawn, k).pixels

    def __repr__(self) -> str:
        return f"<l2laug model of {self.class_name!r}, {self.size}x{self.size}x{self.channels}>"


def _check(count: int) -> None:
    from l2laug.core.errors import UsageError

    if count < 1:
        raise UsageError(f"{count} images can't be drawn.", "Ask for one or more.")
