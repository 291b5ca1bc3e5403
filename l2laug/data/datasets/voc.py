"""Pascal VOC: an XML file an image, lists of names for splits, masks in folders of their own."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # entities are turned down before it parses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from l2laug.core.files import whole_file, write_text
from l2laug.data.datasets.dataset import TRAIN, Dataset, Item, MaskFile, Object
from l2laug.data.datasets.problems import Problems, read_lines
from l2laug.data.folders import SUFFIXES

IMAGES = "JPEGImages"
MASKS = ("SegmentationClass", "SegmentationObject")
LISTS = Path("ImageSets")
EDGES = ("xmin", "ymin", "xmax", "ymax")
PART, POINT, VISIBLE = "part", "point", 2
OWN = ("name", "bndbox", PART, POINT)  # elements of an object that are read into fields


def is_voc(root: Path) -> bool:
    """Whether a folder holds ``Annotations`` of XML, or XML files beside images."""
    return next(_annotations(root).glob("*.xml"), None) is not None


def _annotations(root: Path) -> Path:
    return root / "Annotations" if (root / "Annotations").is_dir() else root


def read_voc(root: Path, problems: Problems) -> Dataset:
    """Read VOC's ``Annotations``, ``JPEGImages``, ``ImageSets/Main`` and ``Segmentation*``.

    Pixels of VOC are counted from 1 and boxes take in their last one: ``xmin`` 1 is the left edge.
    """
    folder = _annotations(root)
    places = [p for p in (root / IMAGES, root / "images", folder) if p.is_dir()]
    images = {p.stem: p for place in reversed(places) for p in _pictures(place)}
    splits = _splits(root, problems)
    items: list[Item] = []
    unlisted = 0
    for path in sorted(folder.glob("*.xml")):
        tree = _parse(path, problems)
        if tree is None:
            continue
        named = Path((tree.findtext("filename") or "").strip()).stem
        image = images.get(path.stem) or images.get(named)
        if image is None:
            problems.add(f"{path}: there is no image {named or path.stem}.", "Add it.")
            continue
        if splits and path.stem not in splits:
            unlisted += 1
            continue
        masks = [MaskFile(p, Path(f), p.suffix) for f in MASKS for p in _masks(root / f, path.stem)]
        objects = _objects(tree, path, problems)
        split = splits.get(path.stem, TRAIN)
        items.append(
            Item(image, None, split, masks=tuple(masks), objects=objects, extra={"xml": path})
        )
    for name in sorted(set(splits) - {p.stem for p in folder.glob("*.xml")}):
        problems.add(f"{root / LISTS / 'Main'} lists {name}, which has no XML.", "Add it.")
    classes = tuple(sorted({o.label for item in items for o in item.objects}))
    notes = (f"{unlisted} images are in no list of {LISTS / 'Main'}: left out",) if unlisted else ()
    return Dataset(root, "voc", tuple(items), classes, (folder,), notes)


def _pictures(place: Path) -> list[Path]:
    return sorted(p for p in place.iterdir() if p.suffix.lower() in SUFFIXES)


def _masks(folder: Path, stem: str) -> list[Path]:
    return [p for p in (folder / f"{stem}.png", folder / f"{stem}.tif") if p.is_file()]


def _splits(root: Path, problems: Problems) -> dict[str, str]:
    """The split of each name that is listed."""
    found: dict[str, str] = {}
    for split in ("trainval", TRAIN, "val", "test"):  # later ones are finer
        path = root / LISTS / "Main" / f"{split}.txt"
        if path.is_file():
            for line in read_lines(path, problems):
                if line.strip():
                    found[line.split()[0]] = TRAIN if split == "trainval" else split
    return found


def _parse(path: Path, problems: Problems) -> ET.Element | None:
    content = path.read_bytes()
    try:
        if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
            raise ET.ParseError("it declares entities")
        return ET.fromstring(content)  # noqa: S314 # no entities are in it
    except ET.ParseError as error:
        problems.add(f"{path} can't be read: {error}.", "Export it anew.")
        return None


def _objects(tree: ET.Element, path: Path, problems: Problems) -> tuple[Object, ...]:
    found = []
    for number, told in enumerate(tree.iter("object"), 1):
        try:
            found.append(_object(told))
        except (ValueError, RecursionError):
            problems.add(f"{path}, object {number}: it lacks a name or a box.", "Mend it.")
    return tuple(found)


def _object(told: ET.Element) -> Object:
    """One object and its parts.

    Raises:
        ValueError: it, or a part of it, lacks a name or a box.
    """
    x0, y0, x1, y1 = (float(told.findtext(f"bndbox/{edge}") or "") for edge in EDGES)
    if not np.isfinite([x0, y0, x1, y1]).all():
        raise ValueError("no box")
    name = (told.findtext("name") or "").strip()
    if not name:
        raise ValueError("no name")
    point = told.find(POINT)
    keypoints = None
    if point is not None:
        x, y = (float(point.findtext(axis) or "") for axis in "xy")
        keypoints = np.array([[x - 0.5, y - 0.5, VISIBLE]])
    extra = {e.tag: _content(e) for e in told if e.tag not in OWN}
    parts = tuple(map(_object, told.findall(PART)))
    return Object(name, (x0 - 1, y0 - 1, x1, y1), keypoints=keypoints, parts=parts, extra=extra)


def _content(element: ET.Element) -> Any:
    """Text, or by their tags what its elements hold, as ``<actions>`` does."""
    return {e.tag: _content(e) for e in element} if len(element) else (element.text or "").strip()


def write_voc(dataset: Dataset, drawn: Iterable[Item], out: Path) -> None:
    """Write XML files and lists as they were, and those of the images that were drawn.

    Args:
        dataset: as it was read.
        drawn: new images below ``out``; each has the ``extra`` of the image that it was made from.
        out: the new root.

    Raises:
        OutputError: a file can't be written.
    """
    root = dataset.root
    for item in dataset.items:
        path = Path(str(item.extra["xml"]))
        write_text(out / path.relative_to(root), path.read_text(encoding="utf-8-sig"))
    for item in drawn:
        path = Path(str(item.extra["xml"]))
        tree = ET.fromstring(path.read_bytes())  # noqa: S314 # it was read before
        for old in tree.findall("object"):
            tree.remove(old)
        for tag, text in (("filename", item.file.name), ("path", item.file.name)):
            if (told := tree.find(tag)) is not None:
                told.text = text
        for shown in item.objects:
            tree.append(_element(shown))
        ET.indent(tree)
        target = out / path.relative_to(root).with_name(f"{item.file.stem}.xml")
        write_text(target, ET.tostring(tree, encoding="unicode") + "\n")
    for path in sorted((root / LISTS).glob("*/*.txt")):
        place = out / path.relative_to(root)
        with whole_file(place) as part, part.open("w", encoding="utf-8") as lines:
            lines.write(path.read_text(encoding="utf-8-sig"))
            lines.writelines(_listed(path, drawn))


def _listed(path: Path, drawn: Iterable[Item]) -> Iterator[str]:
    """Lines of a list for what was drawn: names, in lists of a class with 1 or -1 behind."""
    name, _, split = path.stem.rpartition("_")
    if split not in (TRAIN, "trainval"):
        return
    for item in drawn:
        if item.masks or path.parent.name != "Segmentation":
            stem = item.file.stem
            yield f"{stem} {1 if name in item.labels else -1:2d}\n" if name else f"{stem}\n"


def _element(shown: Object, tag: str = "object") -> ET.Element:
    element = ET.Element(tag)
    ET.SubElement(element, "name").text = shown.label
    for name, content in shown.extra.items():
        element.append(_filled(name, content))
    box = ET.SubElement(element, "bndbox")
    x0, y0, x1, y1 = shown.box
    for edge, value in zip(EDGES, (x0 + 1, y0 + 1, x1, y1), strict=True):
        ET.SubElement(box, edge).text = str(round(value))
    if shown.keypoints is not None and shown.keypoints[0, 2]:
        point = ET.SubElement(element, POINT)
        for axis, value in zip("xy", shown.keypoints[0] + 0.5, strict=False):
            ET.SubElement(point, axis).text = str(round(value))
    for part in shown.parts:
        element.append(_element(part, PART))
    return element


def _filled(name: str, content: Any) -> ET.Element:
    """What :func:`_content` reads."""
    element = ET.Element(name)
    if isinstance(content, dict):
        for inner, told in content.items():
            element.append(_filled(inner, told))
    else:
        element.text = str(content)
    return element
