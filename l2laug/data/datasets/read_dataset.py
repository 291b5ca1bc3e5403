"""Read a data set as it lies: its layout found out, all that is wrong with it told at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from l2laug.core.errors import ImageError
from l2laug.data.datasets import coco, voc, yolo
from l2laug.data.datasets.class_folders import read_class_folders, read_splits, split_folders
from l2laug.data.datasets.dataset import Dataset
from l2laug.data.datasets.mvtec import is_mvtec, read_mvtec
from l2laug.data.datasets.problems import (
    Problems,
    check_classes,
    check_counts,
    check_masks,
    check_readable,
    check_twice,
)
from l2laug.data.datasets.table import (
    SUFFIXES,
    metadata_in,
    read_imagefolder,
    read_table,
    tables_in,
)

# What values of a wrong kind raise where no reader has a better word for them.
UNEXPECTED = (TypeError, AttributeError, LookupError, ValueError, ArithmeticError, RecursionError)


def read_dataset(place: Path, *, out: Path | None = None) -> Dataset:
    """Read the data set at ``place``: its folder, or the file that tells of it.

    Args:
        place: a folder; or a CSV, TSV or JSONL table, a COCO ``.json`` or a YOLO ``.yaml``.
        out: where its successor is to go; that may not lie in it.

    Raises:
        ImageError: it is none of the layouts that are known, or has problems: all of them are
            listed, each with its remedy.
    """
    if not place.exists():
        raise ImageError(f"{place} does not exist.", "Give a data set's folder.")
    problems = Problems()
    root = place if place.is_dir() else place.parent
    if out is not None and out.resolve().is_relative_to(root.resolve()):
        problems.add(f"-o {out} lies in the data set {root}.", "Choose another place with -o.")
    try:
        found = _read(place, problems)
    except UNEXPECTED as error:
        raise ImageError(
            f"{place} holds annotations of a kind that is not known ({error}).", "Export them anew."
        ) from error
    found = replace(found, items=tuple(sorted(found.items, key=lambda item: str(item.file))))
    if not found.items and not problems.found:
        problems.add(f"{place} holds no labelled image.", "Give class folders or annotations.")
    check_classes(found.classes, problems)
    if not found.of_objects:
        check_counts(found.items, problems)
        check_twice(found.items, problems)
    check_readable(found.items, problems)
    check_masks(found.items, problems)
    problems.check(place)
    return found


def _read(place: Path, problems: Problems) -> Dataset:
    if place.is_file():
        return _read_file(place, problems)
    if is_mvtec(place):
        return read_mvtec(place, problems)
    if (config := yolo.config_in(place)) is not None:
        return yolo.read_yolo(place, config, problems)
    if voc.is_voc(place):
        return voc.read_voc(place, problems)
    if files := coco.annotations_in(place):
        return coco.read_coco(place, files, problems)
    if tables := metadata_in(place):
        return read_imagefolder(place, tables, problems)
    if tables_here := tables_in(place):
        if len(tables_here) > 1:
            named = ", ".join(p.name for p in tables_here)
            raise ImageError(f"{place} has several tables: {named}.", "Give the one that counts.")
        return read_table(place, tables_here[0], problems)
    if split_folders(place):
        return read_splits(place, problems)
    return read_class_folders(place, problems)


def _read_file(place: Path, problems: Problems) -> Dataset:
    suffix = place.suffix.lower()
    if suffix in SUFFIXES:
        return read_table(place.parent, place, problems)
    if suffix == ".json":
        return coco.read_coco(place.parent, [place], problems)
    if suffix in (".yaml", ".yml"):
        return yolo.read_yolo(place.parent, place, problems)
    raise ImageError(
        f"{place} is no data set that is known.",
        "Give a folder, a CSV or JSONL table, a COCO .json or a YOLO .yaml.",
    )
