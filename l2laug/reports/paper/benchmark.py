"""The tables and the figure of a benchmark of methods."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from l2laug.core.arrays import Pixels
from l2laug.core.files import whole_file, write_text
from l2laug.data.images.contact_sheet import GAP, sheet
from l2laug.evaluation.bundles.held_out import Split
from l2laug.metrics.intervals import mean_and_deviation
from l2laug.reports.tables import markdown_table

Row = dict[str, Any]
REAL = "real images"
SHOWN = "shown"
CLASSES = 10  # of the figure
LABEL = 110  # pixels, to the left of its rows
WHOLE = ("seeds", "steps", "images_seen", "seconds", "rare_seconds", "parameters")
READING = """
Every score is beside that of real images, which no method can be expected to beat. `fid`, `kid`:
lower is better. `precision`: share of draws among real images; `recall`: share of real images among
draws. `similarity`: mean cosine to the class's real images; `own_class`: share nearest to their own
class. All of these in a feature net that was trained on the source classes and against which no
method was. `copies`: share nearer to a shown image than 99 in 100 real ones are. `two_sample`:
accuracy of telling draws from real images in general features, 0.5 is chance. `error_K`: of a small
classifier that learns from K real images of a class and draws; `error_K_without`: from the K alone.
"""


def summarised(found: Mapping[str, Sequence[Row]]) -> list[Row]:
    """A row for each method: means over the seeds, standard deviations beside them."""
    rows = []
    for name, seeds in found.items():
        row: Row = {"method": name, "seeds": len(seeds)}
        for key in seeds[0]:
            known = [float(s[key]) for s in seeds if s.get(key) is not None]
            if not known:
                row[key] = None
                continue
            row[key], deviation = mean_and_deviation(known)
            if deviation is not None and key not in WHOLE:
                row[f"{key}_deviation"] = deviation
        rows.append(row)
    return rows


def write_tables(out: Path, rows: Sequence[Row], about: str) -> None:
    """``benchmark.json``, ``.csv`` and ``.md``.

    Args:
        out: the folder.
        rows: of :func:`summarised`.
        about: the budget and all else, in words.

    Raises:
        OutputError: it can't be written.
    """
    plain = {"about": about, "rows": list(rows)}
    write_text(out / "benchmark.json", json.dumps(plain, indent=1, ensure_ascii=False) + "\n")
    keys = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, keys, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: _rounded(row.get(k)) for k in keys} for row in rows)
    write_text(out / "benchmark.csv", text.getvalue())
    lines = [f"{about[0].upper()}{about[1:]}.", "", *markdown_lines(rows), READING]
    write_text(out / "benchmark.md", "\n".join(lines))


def markdown_lines(rows: Sequence[Row]) -> list[str]:
    """The rows as a Markdown table."""
    keys = [k for k in dict.fromkeys(key for row in rows for key in row) if "_deviation" not in k]
    known = [k for k in keys if k == "method" or any(row.get(k) is not None for row in rows)]
    return markdown_table(known, ([_cell(row, key) for key in known] for row in rows))


def draw_figure(out: Path, split: Split, names: Sequence[str]) -> None:
    """``benchmark.png``: shown and real images, then a row of draws of each method.

    Two neighbouring columns are a class; draws are in ``out/draws``, an array of each method.
    """
    count = min(CLASSES, len(split.support.classes))
    rows = {SHOWN: _two_each(split, count, support=True), REAL: _two_each(split, count)}
    for name in names:
        rows[name] = list(np.load(out / "draws" / f"{name}.npy")[: 2 * count])
    picture = sheet(list(rows.values()))
    labelled = Image.new("RGB", (picture.width + LABEL, picture.height), "white")
    labelled.paste(picture, (LABEL, 0))
    pen, height = ImageDraw.Draw(labelled), (picture.height - GAP) // len(rows)
    for i, name in enumerate(rows):
        pen.text((6, GAP + i * height + height // 2), name, fill="black", anchor="lm")
    with whole_file(out / "benchmark.png") as part:
        labelled.save(part, "PNG")


def _two_each(split: Split, count: int, *, support: bool = False) -> list[Pixels]:
    """Two images of each class."""
    part = split.support if support else split.reference
    rows = [np.resize(np.flatnonzero(part.labels == label), 2) for label in range(count)]
    return list(part.pixels[np.concatenate(rows)])


def _rounded(value: Any) -> Any:
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _cell(row: Row, key: str) -> str:
    value = row.get(key)
    if value is None:
        return "-"
    if key in WHOLE:
        return f"{value:,.0f}"
    if isinstance(value, str):
        return value
    deviation = row.get(f"{key}_deviation")
    return f"{value:.3f}" if deviation is None else f"{value:.3f} ± {deviation:.3f}"
