"""Images that were drawn, kept on disk with all that is known of them: there may be millions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2laug.core.spool import Spool
from l2laug.data.datasets.dataset import Item
from l2laug.sampling.labels.change_labels import Dropped


@dataclass(frozen=True)
class NewImage:
    """An image that was drawn.

    Attributes:
        item: it, in the folder of new images, with its labels.
        source: what it was made from.
        entry: what the manifest says of it.
        dropped: objects that left it.
        mirrored: objects that are seen once more at a border, without a label.
    """

    item: Item
    source: Item
    entry: dict[str, Any]
    dropped: tuple[Dropped, ...] = ()
    mirrored: int = 0


class DrawnImages:
    """What was drawn of one class.

    Args:
        folder: on whose disk it is kept.
        images: they are taken one by one.

    Attributes:
        shown: images that show each class.
        objects: objects of each class in them.
        dropped: objects that left their image, with its file's name.
        mirrored: objects that are seen once more at a border.

    Raises:
        OSError: the disk is full.
    """

    def __init__(self, folder: Path, images: Iterable[NewImage] = ()) -> None:
        self.shown: Counter[str] = Counter()
        self.objects: Counter[str] = Counter()
        self.dropped: list[tuple[str, Dropped]] = []
        self.mirrored = 0
        self._images = Spool[NewImage](folder)
        self.extend(images)

    def extend(self, images: Iterable[NewImage]) -> None:
        """Put more behind the others."""
        for image in images:
            self._images.append(image)
            self.shown.update(image.item.labels)
            self.objects.update(one.label for one in image.item.objects)
            self.dropped += [(image.item.file.name, gone) for gone in image.dropped]
            self.mirrored += image.mirrored

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, index: int) -> NewImage:
        return self._images[index]

    def __iter__(self) -> Iterator[NewImage]:
        return iter(self._images)
