"""What a data set is, however its files lie: items with a label, a split, masks and objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from l2laug.data.datasets.run_lengths import RunLengths

Layout = Literal["folders", "splits", "mvtec", "table", "imagefolder", "coco", "yolo", "voc"]
TRAIN = "train"


@dataclass(frozen=True)
class MaskFile:
    """A mask that lies in a file of its own beside an image.

    Attributes:
        file: where it lies, any mode; 0 is background.
        folder: its folder below the data set's root.
        ending: what its name has in place of the image's suffix, as ``_mask.png``: the mask of
            an image ``new.png`` is ``folder/new_mask.png``.
    """

    file: Path
    folder: Path
    ending: str

    def beside(self, stem: str) -> Path:
        """Where the mask of an image called ``stem`` lies, below the root."""
        return self.folder / f"{stem}{self.ending}"


@dataclass(frozen=True)
class Object:
    """One annotated object of an image.

    Attributes:
        label: its class.
        box: left, top, right and bottom edges in pixels of the image; the image's own left and top
            edges are 0.
        polygons: outlines of it, ``(N, 2)`` float64 each, x and y in pixels.
        keypoints: ``(K, 3)`` float64, x and y in pixels and COCO's visibility 0, 1 or 2 (0: not
            labelled, x and y mean nothing); None where it has none.
        rle: its mask, where that is run-length encoded.
        extra: other fields of its annotation, kept as they are.
        parts: of it that have a name and a box of their own, as VOC's heads and hands.
    """

    label: str
    box: tuple[float, float, float, float]
    polygons: tuple[NDArray[np.float64], ...] = ()
    keypoints: NDArray[np.float64] | None = None
    rle: RunLengths | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[Object, ...] = ()


@dataclass(frozen=True)
class Item:
    """One image of a data set and all that is known of it.

    Attributes:
        file: the image.
        label: its class; None in sets of objects, where each object has its own.
        split: ``train``, ``val``, ``test`` or as the data set calls it.
        group: images that show the same thing (patient, part, film) and must not be parted.
        masks: in files of their own.
        objects: annotated in it.
        extra: other fields of its row or annotation, kept as they are.
    """

    file: Path
    label: str | None
    split: str = TRAIN
    group: str | None = None
    masks: tuple[MaskFile, ...] = ()
    objects: tuple[Object, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def labels(self) -> frozenset[str]:
        """The classes seen in it."""
        named = frozenset(o.label for o in self.objects)
        return named if self.label is None else named | {self.label}


@dataclass(frozen=True)
class Dataset:
    """A data set as it was read.

    Attributes:
        root: its folder.
        layout: how its files lie.
        items: its images, sorted by file.
        classes: names, in the data set's own order (their index where files hold numbers).
        annotations: files that hold labels, below which the same set is written again.
        notes: what was found and settled, to be told.
        extra: what the layout's writer needs beside the items, as COCO's ``categories``.
    """

    root: Path
    layout: Layout
    items: tuple[Item, ...]
    classes: tuple[str, ...]
    annotations: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def splits(self) -> tuple[str, ...]:
        """The splits there are, ``train`` first."""
        return tuple(sorted({i.split for i in self.items}, key=lambda s: (s != TRAIN, s)))

    @property
    def of_objects(self) -> bool:
        """Whether objects have the classes, not images."""
        return all(item.label is None for item in self.items)

    def of(self, split: str = TRAIN) -> tuple[Item, ...]:
        """The images of a split."""
        return tuple(item for item in self.items if item.split == split)

    def counts(self, split: str = TRAIN) -> dict[str, int]:
        """Images of a split that show each class; of classes without any, 0."""
        seen = Counter(label for item in self.of(split) for label in item.labels)
        return {name: seen[name] for name in self.classes}
