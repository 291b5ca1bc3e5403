"""Masks in files: which are of which images in trees of folders, and their values."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from l2laug.core.errors import ImageError
from l2laug.core.files import whole_file
from l2laug.data.datasets.dataset import MaskFile
from l2laug.data.datasets.problems import Problems

FOLDERS = frozenset({"masks", "ground_truth", "groundtruth", "gt"})
NAMED = re.compile(r".*[_\-. ](mask|masks|gt|seg|segmentation)([_\-. ]?\d+)?", re.IGNORECASE)
IMAGES = frozenset({"image", "images", "img", "imgs"})
Place = tuple[str, ...]


def pair_masks(
    root: Path, files: Iterable[Path], problems: Problems, ignored: Sequence[str] = ()
) -> tuple[list[Path], dict[Path, tuple[MaskFile, ...]]]:
    """Part images from masks, and find the image of each mask.

    A mask lies in a folder ``masks`` (``ground_truth`` ...) anywhere between the root and the
    folders that its image lies in; or beside its image, and is called after it with ``_mask``
    (``_gt``, ``_seg`` ...) behind. Its name is the image's, or begins with it.

    Args:
        root: the data set's folder.
        files: image files below it.
        problems: where masks without an image are noted, and images without a mask where others
            of their folder have some.
        ignored: more folders that count for nothing on the way to a file.

    Returns:
        Images, and the masks of those that have some.
    """
    no_places = FOLDERS | IMAGES | frozenset(ignored)
    images: dict[Place, list[Path]] = defaultdict(list)
    masks: dict[Place, list[Path]] = defaultdict(list)
    named: dict[Place, list[Path]] = defaultdict(list)
    for path in files:
        parts = path.relative_to(root).parts[:-1]
        place = tuple(p for p in parts if p.casefold() not in no_places)
        if any(p.casefold() in FOLDERS for p in parts):
            masks[place].append(path)
        else:
            (named if NAMED.fullmatch(path.stem) else images)[place].append(path)
    for place, there in named.items():
        # Where none is called after an image, as in a class "with_mask", they are images.
        paired = any(_image_of(path, images[place]) for path in there)
        (masks if paired else images)[place].extend(there)
    found: dict[Path, list[MaskFile]] = defaultdict(list)
    for place in masks:
        for mask in sorted(masks[place]):
            image = _image_of(mask, images[place])
            if image is None:
                problems.add(
                    f"Mask {mask} belongs to no image.", "Add the image, or remove the mask."
                )
            else:
                ending = mask.name.removeprefix(image.stem)
                found[image].append(MaskFile(mask, mask.relative_to(root).parent, ending))
        for image in images[place]:
            if image not in found:
                problems.add(
                    f"{image} has no mask, others of its folder have.",
                    "Add its mask (an empty one, if there is nothing on it).",
                )
    everything = sorted(path for there in images.values() for path in there)
    return everything, {image: tuple(masks) for image, masks in found.items()}


def _image_of(mask: Path, images: list[Path]) -> Path | None:
    """The image with the longest name that the mask's name begins with."""
    fitting = [i for i in images if _continues(mask.stem, i.stem)]
    return max(fitting, key=lambda i: len(i.stem), default=None)


def _continues(name: str, start: str) -> bool:
    """Whether a name is another one, or that and a part that is set off from it."""
    return name == start or (name.startswith(start) and name[len(start)] in "_-. ")


@dataclass(frozen=True)
class MaskPicture:
    """A mask's pixels, and what it takes to write others like it.

    Attributes:
        pixels: ``(H, W)`` or ``(H, W, C)``: ids or colours.
        mode: Pillow's.
        palette: of mode P, three numbers a colour.
    """

    pixels: NDArray[Any]
    mode: str
    palette: tuple[int, ...] = ()

    @classmethod
    def read(cls, path: Path) -> MaskPicture:
        """Read a mask, the right way up, with its values as they are.

        Raises:
            ImageError: it can't be read.
        """
        try:
            with Image.open(path) as opened:
                picture = ImageOps.exif_transpose(opened)
                palette = tuple(picture.getpalette() or ()) if picture.mode == "P" else ()
                return cls(np.array(picture), picture.mode, palette)
        except Exception as error:  # decoders raise almost anything on a damaged file
            raise ImageError(f"Mask {path} can't be read: {error}.", "Replace it.") from error

    def picture(self) -> Image.Image:
        """It as Pillow has it, of the mode it was read in."""
        picture = Image.fromarray(self.pixels)
        if self.palette:
            picture.putpalette(self.palette)
        elif self.mode == "1":
            picture = picture.convert("1")
        return picture

    def save(self, path: Path) -> None:
        """Write it; the name's ending says how.

        Raises:
            OutputError: the file can't be written.
        """
        with whole_file(path) as part:
            self.picture().save(part, format=Image.registered_extensions()[path.suffix.lower()])
