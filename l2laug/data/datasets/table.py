"""Data sets told by a table: a CSV or JSONL of files, or Hugging Face's metadata.jsonl."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from l2laug.core.files import whole_file
from l2laug.data.datasets.class_folders import SPLITS, split_folders
from l2laug.data.datasets.dataset import TRAIN, Dataset, Item, MaskFile, Object
from l2laug.data.datasets.problems import Problems, inside, read_lines

FILE = ("file", "file_name", "filename", "path", "filepath", "image", "image_path", "img")
LABEL = ("label", "class", "class_name", "category", "target", "labels")
GROUP = ("group", "group_id", "groups")
SPLIT = ("split", "subset", "set", "partition")
NAMES = ("categories", "category", "label")  # of objects
MASK = "mask_file_name"
MASKS = "masks_file_names"  # Hugging Face's way to name more files of a row: a list of them
METADATA = ("metadata.jsonl", "metadata.csv")
SUFFIXES = frozenset({".csv", ".tsv", ".jsonl", ".ndjson"})
TABLE, ROW = "/table", "/row"  # of an item's extra: where it was told; no columns of files
Row = dict[str, Any]
LARGEST = 2**31  # pixels from the corner of an image, of a box


def tables_in(root: Path) -> list[Path]:
    """Tables directly in a folder whose first line names files and labels."""
    found = sorted(p for p in root.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file())
    return [p for p in found if p.name not in METADATA and _is_table(p)]


def _is_table(path: Path) -> bool:
    first = next(_rows(path, Problems()), None)
    return first is not None and {FILE, LABEL} == {n for n in (FILE, LABEL) if _key(first[1], n)}


def metadata_in(root: Path) -> dict[Path, str]:
    """Hugging Face's metadata files in a folder or its splits, and of which split they are."""
    places = {root: TRAIN, **split_folders(root)}
    named = {place / name: split for place, split in places.items() for name in METADATA}
    return {path: split for path, split in named.items() if path.is_file()}


def read_table(root: Path, table: Path, problems: Problems) -> Dataset:
    """Read a CSV, TSV or JSONL with columns for file and label, and maybe group and split.

    Files are relative to the table.
    """
    items = list(_items(root, table, TRAIN, problems))
    return Dataset(root, "table", tuple(items), _classes(items), (table,), _left_out(items))


def read_imagefolder(root: Path, tables: Mapping[Path, str], problems: Problems) -> Dataset:
    """Read Hugging Face's ``imagefolder`` with ``metadata.jsonl`` (or ``.csv``).

    Where the metadata has no label, the folder that an image lies in is its class, as Hugging Face
    has it. ``objects`` with ``bbox`` (x, y, width, height) and ``categories`` are objects.
    """
    items: list[Item] = []
    for path, split in tables.items():
        items += _items(root, path, split, problems, folders=True)
    classes = _classes(items)
    return Dataset(root, "imagefolder", tuple(items), classes, tuple(tables), _left_out(items))


def _classes(items: list[Item]) -> tuple[str, ...]:
    return tuple(sorted({label for item in items for label in item.labels}))


def _left_out(items: list[Item]) -> tuple[str, ...]:
    count = sum(not item.labels for item in items)
    return (f"{count} images have no label",) if count else ()


def _items(
    root: Path, table: Path, split: str, problems: Problems, *, folders: bool = False
) -> Iterator[Item]:
    seen: dict[Path, int] = {}
    for number, row in _rows(table, problems):
        where = f"{table}, line {number}"
        file_key, label_key = _key(row, FILE), _key(row, LABEL)
        if file_key is None or not str(row[file_key]).strip():
            problems.add(f"{where}: no file is named.", f"Name it as {FILE[0]}.")
            continue
        path = inside(table.parent / str(row[file_key]), root) or table.parent
        if not _is_file(path):
            problems.add(
                f"{where}: there is no {row[file_key]}.", "Mend the name, or take the line away."
            )
            continue
        if path in seen:
            problems.add(f"{where}: {path} is in line {seen[path]} too.", "Leave it in one.")
        seen[path] = number
        objects = _objects(row, where, problems) if folders else None
        label = _label(row, label_key)
        if label is None and objects is None and folders and path.parent != table.parent:
            label = path.relative_to(table.parent).parts[0]
        if label is None and objects is None:
            problems.add(f"{where}: {path} has no label.", f"Add it as {LABEL[0]}.")
            continue
        group_key, split_key = _key(row, GROUP), _key(row, SPLIT)
        named = str(row[split_key]) if split_key and row[split_key] else split
        group = str(row[group_key]) if group_key and row[group_key] not in (None, "") else None
        known = {file_key, label_key, group_key, split_key, "objects" if objects else None}
        masks = _masks(row, root, table, path, problems) if folders else ()
        extra = {key: value for key, value in row.items() if key not in known}
        extra |= {TABLE: table, ROW: row}
        which = SPLITS.get(named.casefold(), named)
        yield Item(path, label, which, group, masks, tuple(objects or ()), extra)


def _masks(
    row: Row, root: Path, table: Path, image: Path, problems: Problems
) -> tuple[MaskFile, ...]:
    """Masks that a row names, one or several."""
    one = row.get(MASK)
    told = row.get(MASKS)
    found = []
    for name in [*([one] if one else []), *(told if isinstance(told, list) else [])]:
        path = inside(table.parent / str(name), root) or table.parent
        if not _is_file(path):
            problems.add(f"{table}: there is no mask {name}.", "Mend the name, or take it away.")
            continue
        after = path.name.startswith(image.stem)
        ending = path.name.removeprefix(image.stem) if after else f"_{path.name}"
        found.append(MaskFile(path, path.relative_to(root).parent, ending))
    return tuple(found)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # too long a name, or a zero byte in it
        return False


def _label(row: Row, key: str | None) -> str | None:
    value = row[key] if key else None
    return None if value is None or isinstance(value, (list, dict)) else str(value).strip() or None


def _key(row: Row, names: tuple[str, ...]) -> str | None:
    """The column that is called like one of some names, in any case."""
    lower = {key.strip().casefold(): key for key in row if isinstance(key, str)}
    return next((lower[name] for name in names if name in lower), None)


def _objects(row: Row, where: str, problems: Problems) -> list[Object] | None:
    """Hugging Face's objects: lists of boxes, categories and whatever else there is."""
    told = row.get("objects")
    if not isinstance(told, dict) or "bbox" not in told:
        return None
    boxes = told["bbox"]
    names: list[Any] = next((told[key] for key in NAMES if isinstance(told.get(key), list)), [])
    if not isinstance(boxes, list) or not all(map(_is_box, boxes)):
        problems.add(f"{where}: boxes are not lists of four numbers.", "Mend them.")
        return []
    if len(names) != len(boxes):
        problems.add(
            f"{where}: {len(boxes)} boxes and {len(names)} categories.", "Make them as many."
        )
        return []
    others = {
        key: values
        for key, values in told.items()
        if isinstance(values, list) and len(values) == len(boxes) and values is not names
    }
    others.pop("bbox")
    return [
        Object(
            str(name),
            (float(x), float(y), float(x + w), float(y + h)),
            extra={key: values[n] for key, values in others.items()},
        )
        for n, (name, (x, y, w, h)) in enumerate(zip(names, boxes, strict=True))
    ]


def _is_box(told: object) -> bool:
    return (
        isinstance(told, list)
        and len(told) == 4
        and all(isinstance(value, (int, float)) and abs(value) < LARGEST for value in told)
    )


def _rows(table: Path, problems: Problems) -> Iterator[tuple[int, Row]]:
    """Line numbers and rows."""
    lines = read_lines(table, problems)
    if table.suffix.lower() in (".csv", ".tsv"):
        first = lines[0] if lines else ""
        delimiter = max("\t;,", key=first.count)
        reader = csv.DictReader(lines, delimiter=delimiter)
        for row in reader:
            yield reader.line_num, {k: v for k, v in row.items() if k is not None}
        return
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError) as error:
            problems.add(f"{table}, line {number}: {error}.", "Mend the line.")
            continue
        if isinstance(entry, dict):
            yield number, entry
        else:
            problems.add(f"{table}, line {number}: no object of JSON.", "Mend the line.")


def write_tables(dataset: Dataset, drawn: Iterable[Item], out: Path) -> None:
    """Write each table again, with rows for the images that were drawn behind its own.

    Args:
        dataset: as it was read.
        drawn: new images below ``out``; each has the ``extra`` of the image that it was made from.
        out: the new root.

    Raises:
        OutputError: a file can't be written.
    """
    for table in dataset.annotations:
        place = out / table.relative_to(dataset.root)
        rows = (_row(item, place) for item in drawn if item.extra.get(TABLE) == table)
        text = table.read_text(encoding="utf-8-sig")
        text += "" if text.endswith("\n") or not text else "\n"
        with whole_file(place) as part, part.open("w", encoding="utf-8", newline="\n") as lines:
            lines.write(text)
            if table.suffix.lower() in (".csv", ".tsv"):
                first = text.splitlines()[0]
                delimiter = max("\t;,", key=first.count)
                head = next(csv.reader([first], delimiter=delimiter))
                writer = csv.DictWriter(lines, head, delimiter=delimiter, lineterminator="\n")
                writer.writerows(rows)
            else:
                lines.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _row(item: Item, table: Path) -> Row:
    """The row of the source, with the file and the objects of what was made from it."""
    row = dict(item.extra[ROW])
    key = _key(row, FILE)
    row[str(key)] = item.file.relative_to(table.parent).as_posix()
    masks = [mask.file.relative_to(table.parent).as_posix() for mask in item.masks]
    if row.get(MASK) and masks:
        row[MASK] = masks.pop(0)
    if MASKS in row:
        row[MASKS] = masks
    told = row.get("objects")
    if isinstance(told, dict) and "bbox" in told:
        name = next((key for key in NAMES if isinstance(told.get(key), list)), NAMES[0])
        others = {key: [o.extra[key] for o in item.objects] for key in _kept(item)}
        corners = [o.box for o in item.objects]
        boxes = [[round(v, 2) for v in (x0, y0, x1 - x0, y1 - y0)] for x0, y0, x1, y1 in corners]
        labels = [o.label for o in item.objects]
        row["objects"] = {**told, **others, "bbox": boxes, name: labels}
    return row


def _kept(item: Item) -> list[str]:
    """What the source's row says of each object beside box and category."""
    told = item.extra[ROW]["objects"]
    many = len(told["bbox"])
    lists = [key for key, v in told.items() if isinstance(v, list) and len(v) == many]
    return [key for key in lists if key != "bbox" and key not in NAMES]
