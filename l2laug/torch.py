"""Draws while training: a data set of them, and a transform that puts them in place of rare images.

Drawing itself needs no torch: each worker of a ``DataLoader`` opens the model for itself with
onnxruntime, on the CPU.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset, get_worker_info
from torchvision import tv_tensors  # type: ignore[import-untyped]
from torchvision.transforms import v2  # type: ignore[import-untyped]
from torchvision.transforms.v2 import functional as transforms  # type: ignore[import-untyped]

from l2laug.artifacts.run import find_run
from l2laug.core.errors import UsageError
from l2laug.data.images.originals import Original, as_picture
from l2laug.sampling.render import PictureOptions, render
from l2laug.sampling.sampler import Drawn, Sampler
from l2laug.sampling.session import BATCH

__all__ = ["Draws", "ReplaceByDraws"]

CACHE = 256 * 2**20  # bytes of draws that a worker keeps, without their pictures

Picture = Image.Image | Tensor
# Sessions that came with a fork are kept: freeing one waits for threads that only its parent has.
INHERITED: list[Sampler | None] = []


class Draws(Dataset[tuple[Any, int]]):
    """Draws ``0`` to ``n - 1`` of a seed, the pictures that ``l2laug sample`` writes.

    Item ``i`` is the same in every worker, process and epoch. It is a pair like those of
    torchvision's ``ImageFolder``: a PIL image, or what ``transform`` makes of it, and ``target``.
    What PIL can't hold (16 bits a colour, floats, many channels) is a tensor ``(C, H, W)``.

    Args:
        model: run folder or ``.onnx`` file of ``l2laug adapt``.
        n: how many there are.
        seed: of the draws.
        target: the class index that they get.
        size: side of squares; each draw at the size of its original by default.
        transform: of each picture.

    Raises:
        UsageError: there is no such model, or n or the size is out of range.
    """

    def __init__(
        self,
        model: str | Path,
        n: int,
        *,
        seed: int = 0,
        target: int = 0,
        size: int | None = None,
        transform: Callable[[Any], Any] | None = None,
    ) -> None:
        if n < 1:
            raise UsageError(f"{n} images can't be drawn.", "Ask for one or more.")
        self.model = find_run(Path(model)).model
        self.n, self.seed, self.target = n, seed, target
        self.size = PictureOptions(size).size
        self.transform = transform
        self._forget()

    def __len__(self) -> int:
        return self.n

    def __getitem__(self, index: int) -> tuple[Any, int]:
        if not -self.n <= index < self.n:
            raise IndexError(f"draw {index} of {self.n}")
        picture = self._picture(index % self.n)
        return (picture if self.transform is None else self.transform(picture)), self.target

    def __getstate__(self) -> dict[str, Any]:
        """All but the open model and what it drew: a worker opens it anew."""
        return {**vars(self), "_sampler": None, "_pid": 0, "_blocks": OrderedDict()}

    def _forget(self) -> None:
        self._sampler: Sampler | None = None
        self._pid = 0
        self._blocks: OrderedDict[int, list[Drawn]] = OrderedDict()

    def _picture(self, index: int) -> Picture:
        if self._pid != os.getpid():  # a forked worker can't use its parent's session
            INHERITED.append(self._sampler)
            self._forget()
            self._sampler = Sampler(self.model, "cpu", threads=1 if get_worker_info() else 0)
            self._pid = os.getpid()
        assert self._sampler is not None  # noqa: S101 opened above
        block = self._block(self._sampler, index // BATCH)
        [drawn] = [part for part in block if index in part.indices]
        return _plain(render(self._sampler, drawn, index - drawn.indices.start, self.size))

    def _block(self, sampler: Sampler, number: int) -> list[Drawn]:
        """The draws around one: the model always runs a batch, so its neighbours cost nothing."""
        if number not in self._blocks:
            self._blocks[number] = list(sampler.draw(BATCH, self.seed, number * BATCH))
            while len(self._blocks) > 1 and sum(map(_bytes, self._blocks.values())) > CACHE:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]


class ReplaceByDraws(v2.Transform):  # type: ignore[misc]  # torchvision ships no types
    """Puts a draw of its class in place of an image, with a probability.

    It takes an image and its class index, and returns both. Which images and which draws is up to
    torch's random generator, which ``DataLoader`` seeds in each worker. A draw has the mode
    (PIL) or the channels and type (tensor) of the image, and a size of its own: resize after it.

    Args:
        models: for class indices, their run folders or ``.onnx`` files.
        p: the probability for an image of one of these classes, 0 to 1.
        n: how many different draws of a class there are.
        seed: of the draws.

    Raises:
        UsageError: there is no such model, or p or n is out of range.
    """

    def __init__(
        self, models: Mapping[int, str | Path], p: float = 0.5, *, n: int = 1000, seed: int = 0
    ) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise UsageError(f"{p} is no probability.", "Give a number from 0 to 1.")
        self.draws = {i: Draws(model, n, seed=seed, target=i) for i, model in models.items()}
        self.p = p

    def forward(self, *inputs: Any) -> Any:
        """An image (PIL or tensor) and its class index, as two inputs or as one pair."""
        image, target = inputs if len(inputs) > 1 else inputs[0]
        draws = self.draws.get(int(target))
        if draws is None or float(torch.rand(())) >= self.p:
            return image, target
        picture, _ = draws[int(torch.randint(len(draws), ()))]
        return _like(picture, image), target


def _bytes(block: list[Drawn]) -> int:
    changes = [change for drawn in block for change in drawn.changes or ()]
    parts = sum(c.grid.nbytes + c.tone.nbytes + c.difference.nbytes for c in changes)
    return parts + sum(drawn.pixels.nbytes for drawn in block)


def _plain(picture: Original) -> Picture:
    found = as_picture(picture)
    if found is not None:
        return found
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(picture.pixels, 2, 0)))


def _like(picture: Picture, image: Any) -> Any:
    """A draw as a PIL image of another one's mode, or a tensor of its channels and type."""
    if isinstance(image, Image.Image):
        if isinstance(picture, Tensor):
            raise UsageError(
                "These draws are no PIL images.", "Give tensors to the transform (v2.ToImage)."
            )
        return picture.convert(image.mode)
    tensor = tv_tensors.Image(picture)
    if tensor.shape[-3] != image.shape[-3]:
        tensor = tensor[..., :3, :, :] if tensor.shape[-3] == 4 else tensor[..., :1, :, :]
        if tensor.shape[-3] != image.shape[-3]:
            grey = tensor.float().mean(-3, keepdim=True).to(tensor.dtype)
            tensor = grey.expand(*tensor.shape[:-3], image.shape[-3], -1, -1)
    scaled = transforms.to_dtype(tv_tensors.Image(tensor), image.dtype, scale=True)
    return scaled if isinstance(image, tv_tensors.Image) else scaled.as_subclass(Tensor)
