"""Masks of the rare images, which are changed along with them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from l2laug.core.arrays import pixel_hash
from l2laug.core.errors import UsageError
from l2laug.data.datasets.dataset import Item, MaskFile
from l2laug.data.datasets.mask_files import MaskPicture, pair_masks
from l2laug.data.datasets.problems import Problems, check_masks
from l2laug.data.folders import find_images
from l2laug.data.images.image_io import read_image
from l2laug.sampling.labels.change_labels import warp_mask
from l2laug.sampling.sampler import Drawn, Sampler

SPLITS = ("train", "val", "valid", "validation", "test")
LOSSLESS = (".png", ".bmp", ".tif", ".tiff", ".gif")


@dataclass(frozen=True)
class SupportMasks:
    """Masks of the images that a model draws from.

    Attributes:
        masks: of each row of the model, with the names of their files.
    """

    masks: Mapping[int, Sequence[tuple[MaskFile, MaskPicture]]]

    @classmethod
    def read(cls, folder: Path, sampler: Sampler) -> SupportMasks:
        """Find the masks of a model's rare images, see :func:`pair_masks`.

        Args:
            folder: the rare images and their masks, or the data set that they lie in.
            sampler: the model; by its images' pixels it is known which file is which.

        Raises:
            UsageError: the model does not change images, or the folder has not all of them.
            ImageError: masks without images, of other sizes, that can't be read: all are listed.
        """
        card = sampler.card
        if not sampler.tells_changes:
            raise UsageError(
                "This model draws images anew; no mask can follow.",
                "Adapt with a bundle that changes images, such as photos.",
            )
        problems = Problems()
        _, paired = pair_masks(folder, find_images(folder), problems, ignored=SPLITS)
        items = [Item(path, None, masks=masks) for path, masks in sorted(paired.items())]
        check_masks(items, problems)
        problems.check(folder)
        found = {}
        for item in items:
            seen = pixel_hash(read_image(item.file, card.size, card.channels))
            for row, known in enumerate(card.support_hashes):
                if known == seen:
                    found[row] = [(mask, MaskPicture.read(mask.file)) for mask in item.masks]
        missing = len(card.support_hashes) - len(found)
        if missing:
            raise UsageError(
                f"{folder} has no masks for {missing} of the {len(card.support_hashes)} images "
                "that the model draws from.",
                "Give the folder that adapt was given, with a mask beside each image.",
            )
        return cls(found)

    def changed(self, drawn: Drawn, k: int, size: tuple[int, int]) -> list[tuple[MaskFile, bytes]]:
        """The masks of draw ``k``, each with the file that it comes from.

        Args:
            drawn: some draws.
            k: which of them.
            size: width and height of its picture.
        """
        if drawn.changes is None:
            return []
        found = []
        for file, mask in self.masks[int(drawn.support[k])]:
            moved = replace(mask, pixels=warp_mask(mask.pixels, drawn.changes[k], size))
            found.append((_as_lossless(file), _encoded(moved, _as_lossless(file).ending)))
        return found


def _as_lossless(file: MaskFile) -> MaskFile:
    """A mask's name; JPEG and the like would invent values between its own."""
    ending = Path(f"x{file.ending}")
    if ending.suffix.lower() in LOSSLESS:
        return file
    return replace(file, ending=ending.with_suffix(".png").name[1:])


def _encoded(mask: MaskPicture, ending: str) -> bytes:
    buffer = io.BytesIO()
    kind = Image.registered_extensions()[Path(f"x{ending}").suffix.lower()]
    mask.picture().save(buffer, kind)
    return buffer.getvalue()
