"""How often the verdict is wrong where the right one is known.

    python -m tests.benchmarks.verdict_calibration --studies 40 -o calibration

Each study takes eight of scikit-learn's scanned digits at random, shows one image of one of them
and a hundred of each other, and keeps back the rest. Of two, classical augmentation alone learns
some digits so well that nothing is left to gain (F1 .99 for a 0), and what is right would not be
known. Then it asks three times for a verdict, as `evaluate --classifier` gives it, on images that
are added to the rare class:

    real    other real images of it                 has to be: helps
    false   noise, or images of another class       has to be: hurts or unclear
    copies  the image shown, again                  has to be: unclear

Every finished training and every finished study is kept in the folder of -o; the same command goes
on after a stop. It writes `calibration.json` there and prints a table. A study is 40 trainings:
those without added images are the same for all three.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from l2laug.classification.train import run_study
from PIL import Image
from sklearn.datasets import load_digits

from l2laug.classification.predictions import guesses_of
from l2laug.classification.results_cache import ResultsCache
from l2laug.classification.study import WITH, WITHOUT, Study
from l2laug.classification.summary import better
from l2laug.classification.verdict import decide
from l2laug.core.arrays import Pixels
from l2laug.core.files import write_text
from l2laug.core.hashing import key_of
from l2laug.core.progress import Progress
from l2laug.data.image_set import ImageSet
from l2laug.runtime.device import Engine, pick_engine

RIGHT = {"real": ("helps",), "false": ("hurts", "unclear"), "copies": ("unclear",)}
CLASSES, SHOTS, BASE, ADDED, SIZE = 8, 1, 100, 60, 32


@dataclass(frozen=True)
class Case:
    """One study's images.

    Attributes:
        train, test: the rare class is the first.
        added: by kind, uint8 ``(N, 1, 32, 32)``.
        about: what was drawn, for the reader of the results.
    """

    train: ImageSet
    test: ImageSet
    added: dict[str, Pixels]
    about: dict[str, object]


def draw_case(number: int) -> Case:
    """Study ``number``: which digits, which support, what is added."""
    random = np.random.default_rng(number)
    scans, target = _scans()
    digits = random.permutation(10)
    rows = [random.permutation(np.flatnonzero(target == d)) for d in digits]
    support, more = rows[0][:SHOTS], rows[0][SHOTS : SHOTS + ADDED]
    noise = bool(random.integers(2))
    # The other class is one of those two-sample accuracy, or one that the classifier does not know.
    other = int(random.integers(1, 10))
    false = rows[other][BASE : BASE + ADDED]
    wrong = random.integers(0, 256, (ADDED, 1, SIZE, SIZE), dtype=np.uint8)
    shown = [support, *[r[:BASE] for r in rows[1:CLASSES]]]
    # What is added is never tested on, whatever its class.
    kept = [rows[0][SHOTS + ADDED :], *[r[BASE:] for r in rows[1:CLASSES]]]
    kept = [np.setdiff1d(r, false) for r in kept]
    return Case(
        train=_image_set(scans, shown),
        test=_image_set(scans, kept),
        added={
            "real": scans[more],
            "false": wrong if noise else scans[false],
            "copies": scans[np.resize(support, ADDED)],
        },
        about={
            "rare": int(digits[0]),
            "base": [int(d) for d in digits[1:CLASSES]],
            "rare_tests": len(kept[0]),
            "false": "noise" if noise else int(digits[other]),
        },
    )


def _scans() -> tuple[Pixels, np.ndarray]:
    data = load_digits()
    pictures = [
        Image.fromarray(np.rint(255 - s * (255 / 16)).astype(np.uint8)) for s in data.images
    ]
    large = [np.asarray(p.resize((SIZE, SIZE), Image.Resampling.LANCZOS)) for p in pictures]
    return np.stack(large)[:, None], data.target


def _image_set(scans: Pixels, rows: list[np.ndarray]) -> ImageSet:
    everything = np.concatenate(rows)
    labels = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
    names = tuple(f"class {i}" for i in range(len(rows)))
    return ImageSet(scans[everything], labels, names, (Path(),) * len(everything))


def run_case(
    number: int, study: Study, engine: Engine, cache: ResultsCache, progress: Progress
) -> list[dict[str, object]]:
    """The three verdicts of a study, as plain data."""
    case, results = draw_case(number), []
    truth = case.test.labels == 0
    for kind, added in case.added.items():
        start = time.monotonic()
        given = (case.train, case.test, case.train.classes[0], added)
        ways = (study, engine, progress, cache)
        trained = run_study(*given, *ways)
        base, best = (
            better(arms, trained, case.test.labels, 0, study.share) for arms in (WITHOUT, WITH)
        )
        without = guesses_of(trained, base, 0.0) == 0
        verdict = decide(truth, without, guesses_of(trained, best, study.share) == 0)
        right = verdict.word in RIGHT[kind]
        seconds = round(time.monotonic() - start, 1)
        results.append(
            {
                "study": number,
                "kind": kind,
                "over": base,
                "best": best,
                "right": right,
                "seconds": seconds,
            }
            | asdict(verdict)
            | case.about
        )
    return results


def table(results: list[dict[str, object]]) -> str:
    """Words by kind, and the share of wrong ones."""
    lines = [f"{'added':8} {'helps':>6} {'unclear':>8} {'hurts':>6} {'wrong':>12}"]
    for kind in RIGHT:
        mine = [r for r in results if r["kind"] == kind]
        words = [r["word"] for r in mine]
        counts = [words.count(word) for word in ("helps", "unclear", "hurts")]
        wrong = sum(not r["right"] for r in mine)
        lines.append(f"{kind:8} {counts[0]:6} {counts[1]:8} {counts[2]:6} {wrong:6} of {len(mine)}")
    wrong = sum(not r["right"] for r in results)
    lines.append(f"wrong in all: {wrong} of {len(results)} ({wrong / len(results):.1%})")
    over = sum(r["over"] == "classical" for r in results)
    lines.append(f"over classical augmentation: {over}, over repeating: {len(results) - over}")
    return "\n".join(lines)


def main() -> None:
    """Run the studies that are not done yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=40)
    parser.add_argument("--first", type=int, default=0, help="number of the first study")
    parser.add_argument("--seeds", type=int, default=Study.seeds)
    parser.add_argument("--steps", type=int, default=Study.steps)
    parser.add_argument("--model", default=Study.model)
    parser.add_argument("--device", default="auto")
    parser.add_argument("-o", "--out", type=Path, default=Path("calibration"))
    options = parser.parse_args()
    study = Study(model=options.model, steps=options.steps, seeds=options.seeds)
    engine, progress = pick_engine(options.device), Progress(every=60)
    about = {"study": asdict(study), "engine": engine.describe()}
    key = key_of(about)
    found: list[dict[str, object]] = []
    for number in range(options.first, options.first + options.studies):
        # A cache of its own for each study: it is written anew after every training.
        cache = ResultsCache(options.out / f"study-{number:03d}.jsonl")
        done = options.out / f"study-{number:03d}-{key[:8]}.json"
        if not done.is_file():
            results = run_case(number, study, engine, cache, progress)
            write_text(done, json.dumps(results, indent=1) + "\n")
        found += json.loads(done.read_text(encoding="utf-8"))
        progress.say(
            f"study {number}: " + ", ".join(f"{r['kind']} {r['word']}" for r in found[-3:])
        )
    text = json.dumps({**about, "results": found}, indent=1) + "\n"
    write_text(options.out / "calibration.json", text)
    print(table(found))


if __name__ == "__main__":
    main()
