"""COCO: one JSON file a split, with images, annotations and categories."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from l2laug.core.files import write_text
from l2laug.data.datasets.class_folders import SPLITS
from l2laug.data.datasets.dataset import TRAIN, Dataset, Item, Object
from l2laug.data.datasets.problems import Problems, image_size, inside
from l2laug.data.datasets.run_lengths import RunLengths

OTHERS = ("captions", "person_keypoints", "panoptic", "stuff", "image_info")  # of the same images
OWN = frozenset(
    {"id", "image_id", "category_id", "bbox", "area", "segmentation", "keypoints", "num_keypoints"}
)
WORD = re.compile(r"(?<![a-z])(trainval|train|validation|valid|val|test)(?![a-z])")
KEYS = {"images", "annotations", "categories"}
IDS = ("id", "image_id", "category_id")


def annotations_in(root: Path) -> list[Path]:
    """COCO files in a folder, in ``annotations`` or in folders of splits.

    Of several that tell of the same images, that of the instances.
    """
    folders = [root, root / "annotations", *(p for p in root.iterdir() if p.name in SPLITS)]
    found = sorted({p for folder in folders if folder.is_dir() for p in folder.glob("*.json")})
    if any(p.name.startswith("instances") for p in found):
        found = [p for p in found if not p.name.startswith(OTHERS)]
    return [p for p in found if _has_keys(p)]


def _has_keys(path: Path) -> bool:
    """Whether a file speaks of images, annotations and categories, by its raw text."""
    text = path.read_bytes()
    return all(f'"{key}"'.encode() in text for key in KEYS)


def read_coco(root: Path, files: Sequence[Path], problems: Problems) -> Dataset:
    """Read COCO's instances or keypoints; the split is told by a file's name or folder."""
    if files and files[0].parent == root and root.name == "annotations":
        root = root.parent
    items: list[Item] = []
    documents: dict[Path, dict[str, Any]] = {}
    classes: dict[str, None] = {}
    splits = _splits(root, files)
    for path in files:
        document = _load(path, problems)
        if document is None:
            continue
        documents[path] = document
        names = {c["id"]: str(c["name"]) for c in document["categories"]}
        classes.update(dict.fromkeys(names.values()))
        items += _items(root, path, splits[path], document, names, problems)
    return Dataset(
        root, "coco", tuple(items), tuple(classes), tuple(files), extra={"documents": documents}
    )


def _load(path: Path, problems: Problems) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
        good = isinstance(document, dict) and all(isinstance(document[k], list) for k in KEYS)
        entries = [entry for k in KEYS for entry in document[k]] if good else []
        whole = all(isinstance(entry, dict) and _plain_ids(entry) for entry in entries)
        if good and whole and all({"id", "name"} <= c.keys() for c in document["categories"]):
            return dict(document)
        fact = f"{path} lacks lists of images, annotations or categories, or what these hold."
    except UnicodeDecodeError as error:
        fact = f"{path} is not UTF-8 (byte {error.start})."
    except (ValueError, KeyError, RecursionError) as error:
        fact = f"{path} is no COCO file: {error}."
    problems.add(fact, "Export it anew.")
    return None


def _plain_ids(entry: dict[str, Any]) -> bool:
    """Whether the ids of an entry are numbers or words, as far as it has some."""
    return all(isinstance(entry.get(key), (int, str, type(None))) for key in IDS)


def _items(
    root: Path,
    path: Path,
    split: str,
    document: dict[str, Any],
    names: dict[int, str],
    problems: Problems,
) -> list[Item]:
    places = _places(root, path)
    by_image: dict[Any, list[Object]] = defaultdict(list)
    known = {image.get("id") for image in document["images"]}
    for number, told in enumerate(document["annotations"]):
        where = f"{path}, annotation {told.get('id', number)}"
        if told.get("image_id") not in known:
            problems.add(
                f"{where}: no image {told.get('image_id')} is listed.", "Take the annotation away."
            )
        elif told.get("category_id") not in names:
            problems.add(
                f"{where}: no category {told.get('category_id')} is listed.", "Add the category."
            )
        else:
            try:
                by_image[told["image_id"]].append(_object(told, names))
            except (ValueError, TypeError, KeyError, OverflowError) as error:
                problems.add(f"{where}: {error}.", "Mend or remove it.")
    items = []
    for image in document["images"]:
        name = str(image.get("file_name", ""))
        place = next((p for p in places if name and _is_file(p / name)), None)
        file = None if place is None else inside(place / name, root)
        if place is None or file is None:
            problems.add(f"{path}: there is no image {name}.", "Put it there, or remove its entry.")
            continue
        extra = {"document": path, "folder": place, "image": image}
        objects = tuple(by_image.get(image.get("id"), ()))
        items.append(Item(file, None, split, objects=objects, extra=extra))
    return items


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long a name, or a zero byte in it
        return False


def _splits(root: Path, files: Sequence[Path]) -> dict[Path, str]:
    """The split of each file, by words of its name and folder; a file alone is to train on."""
    if len(files) == 1:
        return {files[0]: TRAIN}
    found = {}
    for path in files:
        words = WORD.findall(path.relative_to(root).as_posix().casefold())
        found[path] = SPLITS.get(words[-1], TRAIN) if words else TRAIN
    return found


def _places(root: Path, path: Path) -> list[Path]:
    """Folders that the images of a file may lie in."""
    short = path.stem.split("_")[-1]  # train2017 of instances_train2017
    places = [path.parent, root, root / "images"]
    places += [root / short, root / "images" / short]
    places += [p for p in sorted(root.iterdir()) if p.is_dir() and p.name.casefold() in SPLITS]
    return places


def _object(told: dict[str, Any], names: dict[int, str]) -> Object:
    box = told.get("bbox")
    shape = told.get("segmentation")
    polygons: tuple[NDArray[np.float64], ...] = ()
    rle = None
    if isinstance(shape, list):
        polygons = tuple(np.array(p, np.float64).reshape(-1, 2) for p in shape)
    elif shape:
        rle = RunLengths.of_json(shape)
    points = told.get("keypoints")
    keypoints = None if points is None else np.array(points, np.float64).reshape(-1, 3)
    if not isinstance(box, list) or len(box) != 4:
        raise ValueError("its bbox is not x, y, width and height")
    x, y, w, h = map(float, box)
    if not np.isfinite([x, y, w, h]).all():
        raise ValueError("its bbox holds values that are no finite numbers")
    extra = {key: value for key, value in told.items() if key not in OWN}
    name = names[told["category_id"]]
    return Object(name, (x, y, x + w, y + h), polygons, keypoints, rle, extra)


def write_coco(dataset: Dataset, drawn: Iterable[Item], out: Path) -> None:
    """Write each file again, with the images that were drawn and their objects behind.

    Args:
        dataset: as it was read.
        drawn: new images below ``out``; each has the ``extra`` of the image that it was made from.
        out: the new root.

    Raises:
        OutputError: a file can't be written.
    """
    for path, document in dataset.extra["documents"].items():
        mine = (item for item in drawn if item.extra["document"] == path)
        images, annotations = list(document["images"]), list(document["annotations"])
        categories = {str(c["name"]): c["id"] for c in document["categories"]}
        image_id, annotation_id = _next_id(images), _next_id(annotations)
        for item in mine:
            place = Path(str(item.extra["folder"])).relative_to(dataset.root)
            size = image_size(item.file)
            entry = {"file_name": item.file.relative_to(out / place).as_posix(), "id": image_id}
            kept = dict(item.extra["image"])
            if size is not None:
                kept |= {"width": size[0], "height": size[1]}
            images.append(kept | entry)
            for shown in item.objects:
                about = {"id": annotation_id, "image_id": image_id}
                about["category_id"] = categories[shown.label]
                annotations.append(about | annotation_of(shown))
                annotation_id += 1
            image_id += 1
        text = json.dumps({**document, "images": images, "annotations": annotations})
        write_text(out / path.relative_to(dataset.root), text)


def _next_id(entries: list[dict[str, Any]]) -> int:
    return max((e["id"] for e in entries if isinstance(e.get("id"), int)), default=0) + 1


def annotation_of(shown: Object) -> dict[str, Any]:
    """An object as COCO tells it, without ids."""
    x0, y0, x1, y1 = shown.box
    entry: dict[str, Any] = {
        **shown.extra,
        "bbox": [round(v, 2) for v in (x0, y0, x1 - x0, y1 - y0)],
        "area": (x1 - x0) * (y1 - y0),
    }
    if shown.polygons:
        entry["segmentation"] = [p.ravel().round(2).tolist() for p in shown.polygons]
        entry["area"] = float(sum(_area(p) for p in shown.polygons))
    elif shown.rle is not None:
        entry["segmentation"] = shown.rle.to_json()
        entry["area"] = int(shown.rle.counts[1::2].sum())
    if shown.keypoints is not None:
        points = shown.keypoints
        entry["keypoints"] = [
            v if n % 3 < 2 else int(v) for n, v in enumerate(points.round(2).ravel().tolist())
        ]
        entry["num_keypoints"] = int((points[:, 2] > 0).sum())
    if shown.parts:
        entry["parts"] = [{"category": p.label, **annotation_of(p)} for p in shown.parts]
    return entry


def _area(polygon: NDArray[np.float64]) -> float:
    """The area within a polygon ``(N, 2)`` (shoelace formula)."""
    x, y = polygon.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
