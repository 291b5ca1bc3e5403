"""Draw samples for an hour: does the memory of `sample` stay flat?

    python -m tests.benchmarks.soak --seconds 3600

One process draws a hundred million images of the tests' small model into WebDataset tars, or with
`--folders` into class folders; what is finished is removed, so that the disk stays empty. Its
resident memory is read every few seconds. Printed are the first, the last and the largest value in
MiB, the slope of a line through all of them, and how many samples were drawn. In the end it gets
Ctrl-C, as it would from a person.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np

from tests.fixtures import make as fixtures

COUNT, SHARD = 100_000_000, 500
SETTLED = 60.0  # seconds after which memory is what it is
# A shell starts background jobs deaf to Ctrl-C, and what they start is deaf too.
CODE = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from l2laug.cli import app; app()"
)


def resident(pid: int) -> float:
    """MiB that a process holds now."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


def remove_finished(out: Path) -> None:
    """Remove the images and tars that are whole."""
    for kind in ("*.tar", "*/*.png"):
        for path in sorted(out.glob(kind)):
            with suppress(FileNotFoundError):
                path.unlink()


class Manifest:
    """Counts the lines of a growing file."""

    def __init__(self, path: Path) -> None:
        self.path, self.read, self.lines = path, 0, 0

    def count(self) -> int:
        if self.path.is_file():
            with self.path.open("rb") as file:
                file.seek(self.read)
                more = file.read()
            self.read += len(more)
            self.lines += more.count(b"\n")
        return self.lines


def soak(seconds: float, every: float, *, folders: bool) -> dict[str, float]:
    """Draw for so long; what was seen.

    Args:
        seconds: from the first sample on.
        every: seconds between two looks at the memory.
        folders: write class folders, not tars.
    """
    rows: list[tuple[float, float, int]] = []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        digits = fixtures.draw_digits(work / "digits")
        rare = fixtures.pick_rare(digits, work / "rare" / "3")
        run, out = fixtures.place_run(work / "run", rare, fixtures.BUNDLE), work / "out"
        words = ["sample", str(run), "-n", str(COUNT), "-o", str(out), "--device", "cpu"]
        words += [] if folders else ["--shards", str(SHARD)]
        manifest = Manifest(out / "manifest.jsonl")
        with (work / "said.txt").open("w") as said:
            running = subprocess.Popen(
                [sys.executable, "-c", CODE, *words], stdout=said, stderr=said
            )
            while not manifest.count() and running.poll() is None:
                time.sleep(0.1)
            began = time.monotonic()
            while running.poll() is None and time.monotonic() - began < seconds:
                remove_finished(out)
                rows.append((time.monotonic() - began, resident(running.pid), manifest.count()))
                time.sleep(every)
            running.send_signal(signal.SIGINT)
            code = running.wait()
        if code != 130:
            raise SystemExit(f"sample ended with {code}\n{(work / 'said.txt').read_text()}")
        return {**describe(rows), "samples": manifest.count()}


def describe(rows: list[tuple[float, float, int]]) -> dict[str, float]:
    """The memory of all looks: seconds, MiB and samples."""
    first = next((row for row in rows if row[0] >= SETTLED), rows[0])
    after = np.array([row[:2] for row in rows if row[0] >= first[0]])
    slope = np.polyfit(after[:, 0] / 3600, after[:, 1], 1)[0] if len(after) > 1 else 0.0
    return {
        "seconds": round(rows[-1][0]),
        "looks": len(rows),
        "first_mib": round(first[1], 1),
        "last_mib": round(rows[-1][1], 1),
        "peak_mib": round(max(row[1] for row in rows), 1),
        "mib_an_hour": round(float(slope), 2),
    }


def main() -> None:
    """Soak once, and print what was seen as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--every", type=float, default=5, help="seconds between two looks")
    parser.add_argument("--folders", action="store_true", help="class folders in place of tars")
    given = parser.parse_args()
    print(json.dumps(soak(given.seconds, given.every, folders=given.folders)))


if __name__ == "__main__":
    main()
