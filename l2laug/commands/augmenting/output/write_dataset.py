"""Write a data set again, with the images that were drawn among the real ones."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from l2laug.artifacts.names import MANIFEST
from l2laug.commands.augmenting.drawn_images import DrawnImages, NewImage
from l2laug.commands.augmenting.image_folders import folder_names, link_or_copy
from l2laug.core.errors import OutputError
from l2laug.core.hashing import file_hash
from l2laug.core.progress import Progress
from l2laug.core.spool import Spool
from l2laug.data.datasets.coco import write_coco
from l2laug.data.datasets.dataset import TRAIN, Dataset, Item, Layout
from l2laug.data.datasets.mvtec import TEST
from l2laug.data.datasets.table import MASKS, write_tables
from l2laug.data.datasets.voc import write_voc
from l2laug.data.datasets.yolo import write_yolo
from l2laug.sampling.writing.manifest import METADATA, line_of

PREFIX = "l2laug_"
FOLDERS: frozenset[Layout] = frozenset({"folders", "splits", "mvtec"})
Writer = Callable[[Dataset, Iterable[Item], Path], None]
WRITERS: Mapping[Layout, Writer] = {
    "coco": write_coco,
    "yolo": write_yolo,
    "voc": write_voc,
    "table": write_tables,
    "imagefolder": write_tables,
}


def write_dataset(
    dataset: Dataset,
    drawn: Mapping[str, DrawnImages],
    out: Path,
    progress: Progress,
    *,
    link: bool,
    seed: int,
) -> None:
    """Write real and new images, their labels and masks, and the manifest.

    Args:
        dataset: as it was read.
        drawn: new images by class; their files are moved.
        out: an empty folder.
        progress: where to show how far it is.
        link: make links to the real images, not copies.
        seed: of the new ones.

    Raises:
        OutputError: a file can't be written, or a new image would be called like a real one.
    """
    total = len(dataset.items) + sum(map(len, drawn.values()))
    new, names = Spool[Item](out), folder_names(drawn)
    with (
        progress.task("writing", total) as advance,
        (out / MANIFEST).open("w", encoding="utf-8") as lines,
    ):
        for item in dataset.items:
            place = place_of(dataset, item)
            _put(item.file, out / place, link=link)
            for mask in item.masks:
                _put(mask.file, out / mask.file.relative_to(dataset.root), link=link)
            lines.write(line_of(entry_of_item(item, place, real=True)))
            advance()
        for name, images in drawn.items():
            for image in images:
                item = _place_new(dataset, names[name], image, out)
                new.append(item)
                told = entry_of_item(item, item.file.relative_to(out), real=False)
                source = place_of(dataset, image.source).as_posix()
                told |= {"class": name, "seed": seed, "source": source} | image.entry
                lines.write(line_of(told))
                advance()
    if dataset.layout in WRITERS:
        WRITERS[dataset.layout](dataset, new, out)
    if dataset.layout in FOLDERS:
        _write_metadata(out, splits=dataset.layout != "folders")


def _write_metadata(out: Path, *, splits: bool) -> None:
    """Write what ``load_dataset("imagefolder")`` reads, into the root or the folder of each split.

    Masks are a column of lists of files, where they lie in that folder.
    """
    tops = {
        (_top(line["file"]), _top(mask))
        for line in _manifest(out)
        for mask in line.get("masks", ())
    }
    masked = tops and all(not splits or folder == place for folder, place in tops)
    with ExitStack() as opened:
        files: dict[str, TextIO] = {}
        for line in _manifest(out):
            folder = _top(line["file"]) if splits else "."
            row: dict[str, Any] = {"file_name": Path(line["file"]).relative_to(folder).as_posix()}
            row |= {"label": line["class"], "real": line["real"], "source": line.get("source", "")}
            if masked:
                names = [
                    Path(mask).relative_to(folder).as_posix() for mask in line.get("masks", ())
                ]
                row[MASKS] = names
            if folder not in files:
                place = (out / folder / METADATA).open("w", encoding="utf-8")
                files[folder] = opened.enter_context(place)
            files[folder].write(line_of(row))


def _manifest(out: Path) -> Iterator[dict[str, Any]]:
    """What was written of every image."""
    with (out / MANIFEST).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _top(file: str) -> str:
    return Path(file).parts[0]


def place_of(dataset: Dataset, item: Item) -> Path:
    """Where an image lies below the new root; defects to learn from go to ``train``."""
    place = item.file.relative_to(dataset.root)
    if dataset.layout == "mvtec" and item.split == TRAIN and place.parts[0] == TEST:
        return Path(TRAIN, *place.parts[1:])
    return place


def _put(source: Path, target: Path, *, link: bool) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():  # a mask of two images
        return
    if link:
        link_or_copy(source, target)
    else:
        shutil.copyfile(source, target)


def _place_new(dataset: Dataset, name: str, image: NewImage, out: Path) -> Item:
    """Move a new image and its masks to where those of its source lie; the item there."""
    folder = place_of(dataset, image.source).parent
    stem = f"{PREFIX}{name}_{image.item.file.stem}"
    target = out / folder / f"{stem}{image.item.file.suffix}"
    if target.exists():
        raise OutputError(
            f"{image.source.file.parent} holds an image called {target.name} already.", "Rename it."
        )
    _move(image.item.file, target)
    masks = []
    for mask in image.item.masks:
        place = out / mask.beside(stem)
        _move(mask.file, place)
        masks.append(replace(mask, file=place))
    return replace(image.item, file=target, masks=tuple(masks))


def _move(source: Path, target: Path) -> None:
    """As a hard link where that can be, so that a stop in the middle loses nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def entry_of_item(item: Item, place: Path, *, real: bool) -> dict[str, Any]:
    """What the manifest says of any image."""
    entry: dict[str, Any] = {"file": place.as_posix()}
    if item.label is not None:
        entry["class"] = item.label
    if item.group is not None:
        entry["group"] = item.group
    entry |= {"split": item.split, "real": real}
    if item.masks:
        entry["masks"] = [m.beside(place.stem).as_posix() for m in item.masks]
    return entry | ({"sha256": file_hash(item.file)} if real else {})
