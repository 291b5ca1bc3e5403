"""What draws images of a class from some of its images, whatever the method."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from l2laug.config.recipe import GeneratorOptions
from l2laug.nn.generator import Generator


class Drawer(nn.Module):
    """A generator of another method, with the interface of :class:`l2laug.nn.generator.Generator`.

    Attributes:
        options: size, channels and latent of the images.
        window: how many images of a class each image is drawn from.
    """

    def __init__(self, options: GeneratorOptions, window: int = 1) -> None:
        super().__init__()
        self.options, self.window = options, window

    @abstractmethod
    def encode(self, x: Tensor) -> list[Tensor]:
        """Encode images ``(N, C, S, S)`` in [-1, 1], each by itself; maps, N first in each."""

    @abstractmethod
    def decode(
        self, maps: list[Tensor], z: Tensor, gems: Mapping[str, nn.Module] | None = None
    ) -> Tensor:
        """Draw images ``(N, C, S, S)`` in [-1, 1].

        Args:
            maps: what :meth:`encode` returned, ``(N, ...)``; with a window above 1 that of as many
                images for each row, ``(N, window, ...)``.
            z: ``(N, latent)``, standard normal.
            gems: there are none; they are the L2L generator's.
        """

    def forward(self, x: Tensor, z: Tensor, gems: Mapping[str, nn.Module] | None = None) -> Tensor:
        """Draw from images ``(N, C, S, S)``, with a window from ``(N, window, C, S, S)``."""
        if x.dim() == 4:
            return self.decode(self.encode(x), z, gems)
        return self.decode([m.unflatten(0, x.shape[:2]) for m in self.encode(x.flatten(0, 1))], z)


Drawing = Generator | Drawer


def window_of(generator: nn.Module) -> int:
    """How many images of a class a generator draws each image from."""
    return generator.window if isinstance(generator, Drawer) else 1


def window_rows(labels: Tensor, window: int) -> Tensor:
    """For each image the rows of those it is drawn from with: itself, then the next of its class.

    A class of fewer images than the window repeats some.

    Args:
        labels: ``(P,)`` int64.
        window: K.

    Returns:
        ``(P, K)`` int64.
    """
    found = []
    for row, label in enumerate(labels.tolist()):
        mine = torch.nonzero(labels == label).flatten()
        turned = mine.roll(-int((mine == row).nonzero().item()))
        found.append(turned.repeat(-(-window // len(mine)))[:window])
    return torch.stack(found)


def uniform(z: Tensor) -> Tensor:
    """Standard normal numbers to ones uniform in [0, 1]: their distribution function."""
    return 0.5 * (1 + torch.erf(z / 2**0.5))
