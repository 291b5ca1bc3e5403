"""What sampling costs as the work grows: more samples, more rare classes, larger originals.

    python -m tests.benchmarks.scale -o scale.csv

Each case is a process of its own. It draws from models that move pixels and draw nothing, so that
what is measured is everything but the network: changes applied to originals at their own size,
files and the manifest. Without `--skip` it has 1,000 to 100,000 samples of a class whose images
have 64 pixels a side, 1 to 100 classes with 1,000 samples between them, and one class of 64 to
2,048 pixels. Finished cases are not measured again. `--figure scale.svg` draws what the file has.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from l2laug.core.progress import Progress
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writer import write_samples

COLUMNS = (
    *("what", "setting", "shots", "classes", "seeds", "metric", "value", "spread", "real"),
    *("command", "commit", "note"),
)
CASES = {
    "samples": [(n, 1, 64) for n in (1_000, 10_000, 100_000, 1_000_000)],
    "rare classes": [(1_000, classes, 64) for classes in (1, 10, 100)],
    "pixels a side": [
        (max(64, 2**24 // side**2 // 4), 1, side) for side in (64, 128, 256, 512, 1024, 2048)
    ],
}
METRICS = {
    "samples a processor second": "seconds of the user and the system, all threads",
    "samples a second": "on two cores that others used too",
    "MiB": "of resident memory, the peak",
}
SHOTS = 5


def photograph(side: int, seed: int) -> NDArray[np.uint8]:
    """Light and shade of all scales and a camera's noise, ``(side, side, 3)``."""
    random = np.random.default_rng(seed)
    found = np.full((side, side, 3), 128.0)
    for octave in range(2, int(math.log2(side))):
        coarse = random.normal(0, 90 / 2**octave * 2, (2**octave, 2**octave, 3))
        for c in range(3):
            plane = Image.fromarray(coarse[..., c].astype(np.float32))
            found[..., c] += np.asarray(plane.resize((side, side), Image.Resampling.BICUBIC))
    found += random.normal(0, 3, found.shape)
    return found.clip(0, 255).round().astype(np.uint8)


def make_models(classes: int, side: int, place: Path) -> list[Path]:
    """A model for each class, which warps photographs of so many pixels a side."""
    from l2laug.commands.adapt import AdaptOptions  # needs torch, which sampling does not
    from l2laug.runtime.session import Session
    from tests.benchmarks.memory import CARD
    from tests.commands.augmenting.models import warping

    for c in range(classes):
        (place / f"class{c:03d}").mkdir()
        for i in range(SHOTS):
            picture = Image.fromarray(photograph(side, SHOTS * c + i))
            picture.save(place / f"class{c:03d}" / f"{i}.png")
    session = Session.start("cpu", Progress(quiet=True))
    runs = warping(CARD)(place, AdaptOptions(out=place / "runs"), session)
    return [run.run / "model.onnx" for run in runs]


def draw_case(count: int, models: list[str], out: Path) -> dict[str, float]:
    """Draw and write so many samples in all; what it took."""
    start, before = time.perf_counter(), time.process_time()
    for model in models:
        sampler = Sampler(Path(model), "cpu")
        write_samples(sampler, count // len(models), out, 0, Progress(quiet=True))
    seconds, busy = time.perf_counter() - start, time.process_time() - before
    return dict(zip(METRICS, (count / busy, count / seconds, peak()), strict=True))


def peak() -> float:
    """MiB of resident memory of this process, the peak; ``ru_maxrss`` may be its parent's."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def case_of(axis: str, case: tuple[int, int, int]) -> tuple[str, str]:
    """How a case is called in the columns ``what`` and ``setting``."""
    count, classes, side = case
    value = dict(zip(CASES, case, strict=True))[axis]
    return f"sampling, {axis}", f"{value} ({count} of {side}x{side}, {classes} classes)"


def measure(out: Path, skip: Sequence[int]) -> None:
    """Add to the file what is not there yet."""
    done = {(row["what"], row["setting"]) for row in _rows(out)}
    commit = subprocess.run(
        ["git", "rev-parse", "--short=8", "HEAD"],  # noqa: S607 whichever git there is
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    for axis, cases in CASES.items():
        for case in cases:
            what, setting = case_of(axis, case)
            if (what, setting) in done or case[0] in skip:
                continue
            with tempfile.TemporaryDirectory() as folder:
                models = make_models(case[1], case[2], Path(folder))
                given = json.dumps([case[0], list(map(str, models)), f"{folder}/out"])
                words = ["-m", "tests.benchmarks.scale", "--one", given]
                told = subprocess.run(
                    [sys.executable, *words], check=True, capture_output=True, text=True
                )
            found = json.loads(told.stdout)
            print(what, setting, {name: round(value, 1) for name, value in found.items()})
            _append(out, what, setting, case[1], found, commit)


def _append(
    out: Path, what: str, setting: str, classes: int, found: dict[str, float], commit: str
) -> None:
    new = not out.is_file()
    with out.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
        if new:
            writer.writeheader()
        for metric, value in found.items():
            row = {"what": what, "setting": setting, "shots": SHOTS, "classes": classes}
            row |= {"seeds": 1, "metric": metric, "value": f"{value:.4g}", "commit": commit}
            command = "python -m tests.benchmarks.scale -o scale.csv"
            writer.writerow(row | {"command": command, "note": METRICS[metric]})


def _rows(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def draw(rows: list[dict[str, str]], path: Path) -> None:
    """A figure: for each axis samples a processor second and MiB, both axes logarithmic."""
    width, height, left, gap = 220, 150, 60, 60
    parts = list[str]()
    for column, axis in enumerate(CASES):
        mine = [row for row in rows if row["what"] == f"sampling, {axis}"]
        x0 = left + column * (width + gap)
        for line, metric in enumerate(("samples a processor second", "MiB")):
            y0 = 20 + line * (height + 50)
            points = [
                (float(row["setting"].split(" ")[0]), float(row["value"]))
                for row in mine
                if row["metric"] == metric
            ]
            parts.append(_panel(points, (x0, y0, width, height), axis, metric))
    total = left + len(CASES) * (width + gap)
    body = "\n".join(parts)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total} 420" role="img" '
        'font-family="sans-serif" font-size="11">\n'
        "<title>Cost of sampling as the work grows</title>\n"
        f'<rect width="{total}" height="420" fill="white"/>\n{body}\n</svg>\n',
        encoding="utf-8",
    )


def _panel(
    points: list[tuple[float, float]], box: tuple[int, int, int, int], axis: str, metric: str
) -> str:
    """One line of points with its values; up and down it goes from one power of ten to another."""
    x0, y0, width, height = box
    if not points:
        return ""
    logs = np.log10(np.array(points))
    low, high = np.floor(logs.min(0) - 1e-9), np.ceil(logs.max(0) + 1e-9)
    low[0], high[0] = logs[:, 0].min() - 0.1, logs[:, 0].max() + 0.1
    at = (logs - low) / (high - low) * (width, -height) + (x0, y0 + height)
    line = " ".join(f"{x:.0f},{y:.0f}" for x, y in at)
    marks = "".join(
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3"/>'
        f'<text x="{x:.0f}" y="{y - 7:.0f}" text-anchor="middle">{value:.3g}</text>'
        for (x, y), (_, value) in zip(at, points, strict=True)
    )
    ticks = "".join(
        f'<text x="{x:.0f}" y="{y0 + height + 14}" text-anchor="middle">{value:,.0f}</text>'
        for (x, _), (value, _) in zip(at, points, strict=True)
    )
    ends = "".join(
        f'<text x="{x0 - 5}" y="{y}" text-anchor="end">{10**power:,.0f}</text>'
        for y, power in ((y0 + height, low[1]), (y0 + 8, high[1]))
    )
    return (
        f'<rect x="{x0}" y="{y0}" width="{width}" height="{height}" fill="none" stroke="#bbb"/>'
        f'<polyline points="{line}" fill="none" stroke="#06c"/><g fill="#06c">{marks}</g>{ticks}'
        f'{ends}<text x="{x0 + width / 2}" y="{y0 + height + 28}" text-anchor="middle">'
        f"{metric} by {axis}</text>"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("scale.csv"))
    parser.add_argument("--skip", default="1000000", help="cases of so many samples, as 10000,...")
    parser.add_argument("--figure", type=Path)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        count, models, out = json.loads(given.one)
        print(json.dumps(draw_case(count, models, Path(out))))
        return
    measure(given.out, [int(n) for n in given.skip.split(",") if n])
    if given.figure:
        draw(_rows(given.out), given.figure)


if __name__ == "__main__":
    main()
