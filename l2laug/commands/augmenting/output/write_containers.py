"""Write a data set into files that hold many images: WebDataset's tar shards, or Parquet."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Self

import numpy as np

from l2laug.artifacts.names import MANIFEST
from l2laug.commands.augmenting.drawn_images import DrawnImages
from l2laug.commands.augmenting.output.write_dataset import entry_of_item, place_of
from l2laug.core.hashing import file_hash
from l2laug.core.progress import Progress
from l2laug.data.datasets.coco import annotation_of
from l2laug.data.datasets.dataset import TRAIN, Dataset, Item
from l2laug.sampling.writing.containers import IMAGE, ParquetFile, TarShard, picture_cell
from l2laug.sampling.writing.job import PARQUET, TAR
from l2laug.sampling.writing.manifest import line_of

PER_FILE = 1000  # images in a file
INDEX = "cls"  # the ending of a member with the class's number, as WebDataset's users have it
TEXT, NUMBER = {"dtype": "string", "_type": "Value"}, {"dtype": "float64", "_type": "Value"}
TRUTH, WHOLE = {"dtype": "bool", "_type": "Value"}, {"dtype": "int64", "_type": "Value"}
TOLD = {"real": TRUTH, "source": TEXT, "group": TEXT, "similarity": NUMBER, "seed": WHOLE}


@dataclass(frozen=True)
class Containers:
    """Files that images share.

    Attributes:
        kind: ``tar`` or ``parquet``.
        per_file: images in each.
    """

    kind: str = TAR
    per_file: int = PER_FILE

    @classmethod
    def asked(cls, per_file: int | None, *, parquet: bool) -> Containers:
        """Of options: Parquet or tar, with 1,000 images each unless another number is given."""
        return cls(PARQUET if parquet else TAR, per_file or PER_FILE)


def write_containers(
    dataset: Dataset,
    drawn: Mapping[str, DrawnImages],
    out: Path,
    progress: Progress,
    *,
    containers: Containers,
    seed: int,
) -> None:
    """Write ``out/train-000000.tar ...`` and the like for each split, and the manifest.

    Images to train on are shuffled, real and new together, since whoever reads such files reads
    them in order. Of each image there is its picture as it is, its masks and its line of the
    manifest, in a tar also the number of its class; of objects the annotations as COCO tells them.

    Args:
        dataset: as it was read.
        drawn: new images by class.
        out: an empty folder.
        progress: where to show how far it is.
        containers: the files.
        seed: of the order.

    Raises:
        OSError: a file can't be written.
    """
    columns = _columns(dataset)
    total = len(dataset.items) + sum(map(len, drawn.values()))
    with (
        progress.task("writing", total) as advance,
        (out / MANIFEST).open("w", encoding="utf-8") as lines,
    ):
        for split in dataset.splits:
            images = _Images(dataset, split, drawn if split == TRAIN else {}, seed)
            for first in range(0, len(images), containers.per_file):
                name = f"{split}-{first // containers.per_file:06d}.{containers.kind}"
                last = min(first + containers.per_file, len(images))
                entries = []
                with _File(out / name, containers.kind, columns) as file:
                    for number in range(first, last):
                        entries.append(file.add(images[number], f"{split}/{number:06d}"))
                        advance()
                about = {"container": name, "container_sha256": file_hash(out / name)}
                lines.writelines(line_of(entry | about) for entry in entries)


@dataclass(frozen=True)
class _Image:
    """An image, what the manifest says of it, and the number of its class."""

    item: Item
    entry: dict[str, Any]
    label: int | None


class _Images:
    """The images of a split, in the order that they are written in; read one by one."""

    def __init__(
        self, dataset: Dataset, split: str, drawn: Mapping[str, DrawnImages], seed: int
    ) -> None:
        self._dataset, self._real, self._seed = dataset, dataset.of(split), seed
        self._drawn = list(drawn.items())
        counts = [len(self._real), *(len(images) for _, images in self._drawn)]
        self._ends = list(accumulate(counts))
        rows = np.arange(self._ends[-1])
        self._order = np.random.default_rng(seed).permutation(rows) if split == TRAIN else rows

    def __len__(self) -> int:
        return self._ends[-1]

    def __getitem__(self, number: int) -> _Image:
        row = int(self._order[number])
        part = bisect_right(self._ends, row)
        if not part:
            item = self._real[row]
            place = place_of(self._dataset, item)
            return self._image(item, place, {"source": place.as_posix()}, real=True)
        name, images = self._drawn[part - 1]
        new = images[row - self._ends[part - 1]]
        place = place_of(self._dataset, new.source)
        told = {"class": name, "seed": self._seed, "source": place.as_posix()} | new.entry
        return self._image(new.item, place, told, real=False)

    def _image(self, item: Item, place: Path, told: dict[str, Any], *, real: bool) -> _Image:
        entry = entry_of_item(item, place, real=real) | told
        if item.objects or self._dataset.of_objects:
            entry["objects"] = [{"category": o.label, **annotation_of(o)} for o in item.objects]
        label = None if item.label is None else self._dataset.classes.index(item.label)
        return _Image(item, entry, label)


class _File:
    """A tar or Parquet file of whole images."""

    def __init__(self, path: Path, kind: str, columns: Mapping[str, Any]) -> None:
        self._columns = columns
        self._file = TarShard(path) if kind == TAR else ParquetFile(path, columns)

    def __enter__(self) -> Self:
        self._file.__enter__()
        return self

    def __exit__(self, *given: Any) -> None:
        self._file.__exit__(*given)

    def add(self, image: _Image, key: str) -> dict[str, Any]:
        """Add an image and its masks, called ``key``; what the manifest says of it."""
        item, name = image.item, f"{key}{image.item.file.suffix.lower()}"
        masks = {
            f"{key}.mask{n}{Path(mask.file.name).suffix.lower()}": mask.file.read_bytes()
            for n, mask in enumerate(item.masks)
        }
        entry = image.entry | {"file": name}
        if masks:
            entry["masks"] = list(masks)
        files = {name: item.file.read_bytes(), **masks}
        if isinstance(self._file, TarShard):
            if image.label is not None:
                files[f"{key}.{INDEX}"] = str(image.label).encode()
            self._file.add(entry, files)
        else:
            self._file.add_row(dict(self._cells(image, entry, files)))
        return entry

    def _cells(
        self, image: _Image, entry: Mapping[str, Any], files: Mapping[str, bytes]
    ) -> Iterator[tuple[str, Any]]:
        yield from entry.items()
        yield "image", picture_cell(entry["file"], files)
        yield "label", image.label
        yield "masks", [picture_cell(mask, files) for mask in entry.get("masks", ())]
        if "annotations" in self._columns:
            names = self._columns["objects"]["categories"][0]["names"]
            told = entry["objects"]
            boxes, labels = ([one[key] for one in told] for key in ("bbox", "category"))
            yield "objects", {"bbox": boxes, "categories": [names.index(one) for one in labels]}
            yield "annotations", json.dumps(told, ensure_ascii=False)


def _columns(dataset: Dataset) -> dict[str, Any]:
    """Columns of Parquet, as the datasets library describes them."""
    label = {"names": list(dataset.classes), "_type": "ClassLabel"}
    columns: dict[str, Any] = {"image": IMAGE}
    if dataset.of_objects:
        columns["objects"] = {"bbox": [[NUMBER]], "categories": [label]}
        columns["annotations"] = TEXT
    else:
        columns["label"] = label
    if any(item.masks for item in dataset.items):
        columns["masks"] = [IMAGE]
    return columns | TOLD
