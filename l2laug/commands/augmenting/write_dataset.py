"""Write a data set again, with the images that were drawn among the real ones."""

from __future__ import annotations

import json
import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from l2laug.artifacts.names import MANIFEST
from l2laug.commands.augmenting.draw_class import NewImage
from l2laug.commands.augmenting.image_folders import folder_names, link_or_copy
from l2laug.core.errors import OutputError
from l2laug.core.hashing import file_hash
from l2laug.core.progress import Progress
from l2laug.data.datasets.coco import write_coco
from l2laug.data.datasets.dataset import TRAIN, Dataset, Item, Layout
from l2laug.data.datasets.mvtec import TEST
from l2laug.data.datasets.table import MASKS, write_tables
from l2laug.data.datasets.voc import write_voc
from l2laug.data.datasets.yolo import write_yolo
from l2laug.sampling.writing.manifest import METADATA

PREFIX = "l2laug_"
FOLDERS: frozenset[Layout] = frozenset({"folders", "splits", "mvtec"})
Writer = Callable[[Dataset, Sequence[Item], Path], None]
WRITERS: Mapping[Layout, Writer] = {
    "coco": write_coco,
    "yolo": write_yolo,
    "voc": write_voc,
    "table": write_tables,
    "imagefolder": write_tables,
}


def write_dataset(
    dataset: Dataset,
    drawn: Mapping[str, Sequence[NewImage]],
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
    lines: list[dict[str, Any]] = []
    with progress.task("writing", len(dataset.items)) as advance:
        for item in dataset.items:
            place = place_of(dataset, item)
            _put(item.file, out / place, link=link)
            for mask in item.masks:
                _put(mask.file, out / mask.file.relative_to(dataset.root), link=link)
            lines.append(_entry(item, place, real=True))
            advance()
    new: list[Item] = []
    names = folder_names(drawn)
    for name, images in drawn.items():
        for image in images:
            item = _place_new(dataset, names[name], image, out)
            new.append(item)
            place = item.file.relative_to(out)
            told = _entry(item, place, real=False) | {"class": name}
            source = place_of(dataset, image.source).as_posix()
            lines.append(told | {"seed": seed, "source": source} | image.entry)
    if dataset.layout in WRITERS:
        WRITERS[dataset.layout](dataset, new, out)
    if dataset.layout in FOLDERS:
        _write_metadata(out, lines, splits=dataset.layout != "folders")
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (out / MANIFEST).write_text(text, encoding="utf-8")


def _write_metadata(out: Path, lines: Sequence[Mapping[str, Any]], *, splits: bool) -> None:
    """Write what ``load_dataset("imagefolder")`` reads, into the root or the folder of each split.

    Masks are a column of lists of files, where they lie in that folder.
    """
    rows = defaultdict(list)
    masks = [(line, mask) for line in lines for mask in line.get("masks", ())]
    masked = masks and all(not splits or _top(mask) == _top(line["file"]) for line, mask in masks)
    for line in lines:
        folder = _top(line["file"]) if splits else "."
        row: dict[str, Any] = {"file_name": Path(line["file"]).relative_to(folder).as_posix()}
        row |= {"label": line["class"], "real": line["real"], "source": line.get("source", "")}
        if masked:
            names = [Path(mask).relative_to(folder).as_posix() for mask in line.get("masks", ())]
            row[MASKS] = names
        rows[folder].append(row)
    for folder, found in rows.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found)
        (out / folder / METADATA).write_text(text, encoding="utf-8")


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


def _entry(item: Item, place: Path, *, real: bool) -> dict[str, Any]:
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
