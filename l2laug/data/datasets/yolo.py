"""YOLO: a YAML of splits and class names, a text file of normalised labels beside each image."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from l2laug.core.files import whole_file, write_text
from l2laug.data.datasets.dataset import Dataset, Item, Object
from l2laug.data.datasets.problems import Problems, image_size, inside, read_lines
from l2laug.data.folders import SUFFIXES, find_images

SPLITS = ("train", "val", "test")
MOST_POINTS = 10_000  # of an object


def config_in(root: Path) -> Path | None:
    """The YAML in a folder that names classes and images to train on; None if there is none."""
    for path in sorted([*root.glob("*.yaml"), *root.glob("*.yml")]):
        if {"names", "train"} <= _load(path).keys():
            return path
    return None


def _load(path: Path) -> dict[str, Any]:
    import yaml  # of an extra: only those who have such a file need it

    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def read_yolo(root: Path, path: Path, problems: Problems) -> Dataset:
    """Read Ultralytics' layout: boxes, polygons (segmentation, oriented boxes) or keypoints.

    A label lies where the image does, in ``labels`` in place of the last ``images``. An image
    without a label shows no object.
    """
    config = _load(path)
    classes = _names(config)
    if not classes:
        problems.add(f"{path} names no classes.", "Add names.")
    items: list[Item] = []
    places: dict[str, tuple[Path, ...]] = {}
    shape = _points(config, path, problems)
    for split in SPLITS:
        told = _told(config, split, path, problems)
        if not told:
            continue
        found = [_place(root, config, one) for one in told]
        for place, said in zip(found, told, strict=True):
            if place is None:
                problems.add(f"{path}: {split} {said} is not there.", "Mend the path.")
        places[split] = tuple(p for p in found if p is not None)
        for image in _images(root, places[split], problems):
            items.append(_item(root, image, split, classes, shape, problems))
    known = {str(item.extra["label"]) for item in items}
    for labels in {Path(label).parent for label in known}:
        for label in sorted(labels.glob("*.txt")):
            if str(label) not in known and label.name != "classes.txt":
                problems.add(f"{label} labels no image.", "Add the image, or remove the label.")
    extra = {"config": config, "path": path, "places": places}
    return Dataset(root, "yolo", tuple(items), tuple(classes), (path,), extra=extra)


# Lists in place of words are not written out: YAML's aliases make a few lines of them endless.


def _names(config: dict[str, Any]) -> list[str]:
    """The classes' names."""
    names = config.get("names")
    told = names.values() if isinstance(names, dict) else names
    if not isinstance(told, Iterable) or isinstance(told, str):
        return []
    return [str(name) for name in told if isinstance(name, (str, int, float))]


def _told(config: dict[str, Any], split: str, path: Path, problems: Problems) -> list[str]:
    """The folders or lists of a split."""
    told = config.get(split) or []
    found = [told] if isinstance(told, str) else told
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        problems.add(f"{path}: {split} names no folders or lists.", "Mend it.")
        return []
    return found


def _points(config: dict[str, Any], path: Path, problems: Problems) -> tuple[int, ...]:
    """How many keypoints an object has, and how many numbers each; nothing where there are none."""
    told = config.get("kpt_shape")
    if told is None or told == []:
        return ()
    whole = isinstance(told, list) and len(told) == 2 and all(type(v) is int for v in told)
    if whole and 0 < told[0] < MOST_POINTS and told[1] in (2, 3):
        return told[0], told[1]
    problems.add(f"{path}: kpt_shape is none.", "Write [points, 2] or [points, 3].")
    return ()


def _place(root: Path, config: dict[str, Any], told: str) -> Path | None:
    """Where a split's images or list lie; Roboflow writes ``../train/images`` for its own."""
    base = config.get("path")
    base = base if isinstance(base, str) else ""
    below = Path(*[p for p in Path(told).parts if p != ".."])
    tried = [root / base / told, root / told, root / below]
    return next(
        (p for p in tried if _exists(p) and p.resolve().is_relative_to(root.resolve())), None
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # too long a name, or a zero byte in it
        return False


def _images(root: Path, places: Sequence[Path], problems: Problems) -> list[Path]:
    images: list[Path] = []
    for place in places:
        if place.is_dir():
            images += find_images(place)
            continue
        for line in read_lines(place, problems):
            if not line.strip():
                continue
            tried = [place.parent / line.strip(), root / line.strip()]
            there = (inside(p, root) for p in tried if _exists(p) and p.is_file())
            found = next((p for p in there if p is not None), None)
            if found is None:
                problems.add(f"{place}: there is no {line.strip()}.", "Mend or remove the line.")
            elif found.suffix.lower() in SUFFIXES:
                images.append(found)
    return images


def label_of(image: Path, root: Path) -> Path:
    """The label file of an image."""
    parts = list(image.relative_to(root).parts)
    if "images" in parts[:-1]:
        last = len(parts) - 2 - parts[-2::-1].index("images")
        parts[last] = "labels"
    return root.joinpath(*parts).with_suffix(".txt")


@dataclass(frozen=True)
class _Line:
    """What it takes to read a line: the image's size, the classes, ``kpt_shape``."""

    size: tuple[int, int]
    classes: list[str]
    points: tuple[int, ...]

    def read(self, line: str) -> Object:
        words = line.split()
        number, values = float(words[0]), np.array(words[1:], np.float64)
        index = int(number) if math.isfinite(number) else -1
        if not 0 <= index < len(self.classes):
            raise ValueError(f"class {index} of {len(self.classes)}")
        if not np.isfinite(values).all():
            raise ValueError("a value is no finite number")
        name, scale = self.classes[index], np.array(self.size, np.float64)
        count = int(np.prod(self.points)) if self.points else 0
        if len(values) in (4, 4 + count):
            (x, y), (w, h) = (values[:2] * scale).tolist(), (values[2:4] * scale).tolist()
            box = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
            if len(values) == 4:
                return Object(name, box)
            points = values[4:].reshape(self.points)
            seen = points[:, 2] if self.points[1] == 3 else 2.0 * (points != 0).any(1)
            keypoints = np.column_stack([points[:, :2] * scale, seen])
            return Object(name, box, keypoints=keypoints)
        if len(values) >= 6 and len(values) % 2 == 0:
            polygon = values.reshape(-1, 2) * scale
            (left, top), (right, bottom) = polygon.min(0), polygon.max(0)
            box = (float(left), float(top), float(right), float(bottom))
            return Object(name, box, (polygon,))
        raise ValueError(f"{len(values)} numbers are neither a box, a polygon nor keypoints")


def _item(
    root: Path,
    image: Path,
    split: str,
    classes: list[str],
    points: tuple[int, ...],
    problems: Problems,
) -> Item:
    label, objects = label_of(image, root), []
    size = image_size(image)
    if label.is_file() and size is not None:
        reader = _Line(size, classes, points)
        for number, line in enumerate(read_lines(label, problems), 1):
            if line.strip():
                try:
                    objects.append(reader.read(line))
                except ValueError as error:
                    problems.add(f"{label}, line {number}: {error}.", "Mend the line.")
    return Item(image, None, split, objects=tuple(objects), extra={"label": label})


def write_yolo(dataset: Dataset, drawn: Iterable[Item], out: Path) -> None:
    """Write the YAML, the labels as they were, and those of the images that were drawn.

    Args:
        dataset: as it was read.
        drawn: new images below ``out``.
        out: the new root.

    Raises:
        OutputError: a file can't be written.
    """
    import yaml

    root, config = dataset.root, dict(dataset.extra["config"])
    for item in dataset.items:
        label = Path(str(item.extra["label"]))
        if label.is_file():
            write_text(out / label.relative_to(root), label.read_text(encoding="utf-8-sig"))
    for item in drawn:
        size = image_size(item.file) or (1, 1)
        lines = [_line(shown, size, dataset.classes, config) + "\n" for shown in item.objects]
        write_text(label_of(item.file, out), "".join(lines))
    config.pop("path", None)  # the folder of the YAML is meant then
    places: dict[str, tuple[Path, ...]] = dataset.extra["places"]
    for split, found in places.items():
        told = [p.resolve().relative_to(root.resolve()).as_posix() for p in found]
        config[split] = told if len(told) > 1 else told[0]
        for place, name in zip(found, told, strict=True):
            if place.is_file():
                more = (i.file.relative_to(out) for i in drawn if i.split == split)
                images = (i.file.relative_to(root) for i in dataset.of(split))
                with whole_file(out / name) as part, part.open("w", encoding="utf-8") as names:
                    names.writelines(f"./{one.as_posix()}\n" for one in chain(images, more))
    path = Path(str(dataset.extra["path"]))
    write_text(out / path.name, yaml.safe_dump(config, sort_keys=False, allow_unicode=True))


def _line(
    shown: Object, size: tuple[int, int], classes: Sequence[str], config: dict[str, Any]
) -> str:
    scale = np.array(size, np.float64)
    if shown.polygons:
        values = np.clip(shown.polygons[0] / scale, 0, 1).ravel()
    else:
        x0, y0, x1, y1 = shown.box
        values = np.array([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]) / np.tile(scale, 2)
        if shown.keypoints is not None:
            points = np.column_stack([shown.keypoints[:, :2] / scale, shown.keypoints[:, 2]])
            points[points[:, 2] == 0] = 0
            values = np.concatenate([values, points[:, : config["kpt_shape"][1]].ravel()])
    return " ".join([str(classes.index(shown.label)), *(f"{v:.6g}" for v in values)])
