"""What l2laug brings to classifiers, on problems of your own, by its own commands.

    python -m tests.benchmarks.field_study PROBLEMS -o field.csv --shots 5 --seeds 3

PROBLEMS holds a folder for each problem, with class folders in it. Its smallest class is the rare
one (or, with `--rare each`, every class in turn): of a random order of its images some are given,
the rest are tested on. Of each other class half, but 40 at most, are learned from, and 40 others at
most tested on. Then `adapt` (along with the other classes by `--base`), `sample -n 200` and
`evaluate --classifier --features general` do what they do for everybody.

With `--held-out BUNDLE` PROBLEMS holds the class folders that the bundle was trained from, and ten
neighbours by name (`--classes`) among those that it held out make a problem.

A row of the file is a problem, class, number of images, seed and head: the verdict, the best arm
with samples and without, F1 of both, the error (one less F1) with over without, what each score
is, beside that of real images. Finished rows are not measured again.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from l2laug.artifacts.bundle import find_bundle
from l2laug.artifacts.run import find_run
from l2laug.commands.adapt import AdaptOptions, adapt
from l2laug.commands.evaluate import Evaluation, evaluate
from l2laug.commands.sample import SampleOptions, sample
from l2laug.config.evaluation_options import EvaluationOptions, split_names
from l2laug.core.errors import QualityError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.runtime.session import Session

SAMPLES, LEARNED, TESTED = 200, 40, 40
KEY = ("problem", "rare", "shots", "seed", "base")
FIELDS = (
    *KEY,
    *("head", "bundle", "seconds", "verdict", "best_without", "best_with", "f1_without", "f1_with"),
    *("error_ratio", "change", "low", "high", "scores"),
)
Row = dict[str, Any]
Folders = Mapping[str, list[Path]]


def problems_of(folder: Path, held_out: str | None, classes: int) -> dict[str, Folders]:
    """The problems of a folder: class folders by name, by the problem's name."""
    if held_out is None:
        return {p.name: class_folders(p) for p in sorted(folder.iterdir()) if p.is_dir()}
    unseen = sorted(find_bundle(held_out).info["source"]["held_out"])
    found, last = class_folders(folder), len(unseen) - classes
    return {
        f"{held_out}-{i // classes}": {name: found[name] for name in unseen[i : i + classes]}
        for i in range(0, last + 1, classes)
    }


def split(problem: Folders, rare: str, shots: int, seed: int, out: Path) -> None:
    """Copy images of a problem into ``train`` and ``test`` below ``out``."""
    for name, files in problem.items():
        random = np.random.default_rng((seed, 11))
        order = [files[i] for i in random.permutation(len(files))]
        taken = shots if name == rare else min(LEARNED, len(order) // 2)
        most = len(order) if name == rare else taken + TESTED
        for part, chosen in (("train", order[:taken]), ("test", order[taken:most])):
            folder = out / part / name
            folder.mkdir(parents=True)
            for file in chosen:
                shutil.copy(file, folder)


def rows_of(evaluation: Evaluation) -> Iterator[Row]:
    """A row for each head of an evaluation."""
    scores = " ".join(
        f"{name}={m.value:.3g}/{'-' if m.baseline is None else f'{m.baseline:.3g}'}"
        for name, m in evaluation.measures.items()
    )
    for entry in evaluation.verdicts:
        f1 = {arm["name"]: float(np.mean(arm["rare_f1"])) for arm in entry["arms"]}
        before, after = f1[entry["best_without"]], f1[entry["best_with"]]
        low, high = entry["interval"]
        yield {
            **{key: entry[key] for key in ("head", "verdict", "best_without", "best_with")},
            "f1_without": f"{before:.4f}",
            "f1_with": f"{after:.4f}",
            "error_ratio": f"{(1 - after) / max(1 - before, 1e-9):.4f}",
            "change": f"{entry['change']:.4f}",
            "low": f"{low:.4f}",
            "high": f"{high:.4f}",
            "scores": scores,
        }


def measure(
    problem: Folders, key: Mapping[str, Any], bundle: str, heads: str, arms: str
) -> list[Row]:
    """Adapt, sample and evaluate."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        root, seed = Path(place), int(key["seed"])
        split(problem, key["rare"], int(key["shots"]), seed, root)
        session = Session.start(progress=Progress(quiet=True), seed=seed)
        train = root / "train"
        base = train if key["base"] else None
        try:
            (adapted,) = adapt(
                train / key["rare"],
                AdaptOptions(bundle=bundle, base=base, out=root / "run"),
                session,
            )
        except QualityError as error:
            return [{**key, "verdict": "refused", "scores": error.fact}]
        run = find_run(root / "run")
        sample(run, SampleOptions(SAMPLES, seed=seed), session.progress)
        options = EvaluationOptions(
            test=root / "test",
            features="general",
            classifier=True,
            heads=split_names(heads),
            arms=split_names(arms),
        )
        found = list(rows_of(evaluate(run, options, session)))
    spent = round(time.monotonic() - start)
    return [{**key, "bundle": adapted.bundle, "seconds": spent, **row} for row in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--shots", default="5", help="with commas between")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rare", choices=("smallest", "each"), default="smallest")
    parser.add_argument("--base", action="store_true")
    parser.add_argument("--bundle", default="auto", help="to adapt")
    parser.add_argument("--heads", default="probe")
    parser.add_argument("--arms", default="quick")
    parser.add_argument("--only", default="", help="problems, with commas between")
    parser.add_argument("--held-out", metavar="BUNDLE", help="problems of classes it never saw")
    parser.add_argument("--classes", type=int, default=10, help="in such a problem")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    done, new = set(), not arguments.out.exists()
    if not new:
        with arguments.out.open(newline="") as file:
            done = {tuple(row[name] for name in KEY) for row in csv.DictReader(file)}
    only = split_names(arguments.only)
    problems = problems_of(arguments.problems, arguments.held_out, arguments.classes)
    for seed in range(arguments.seeds):
        for name, classes in problems.items():
            if only and name not in only:
                continue
            smallest = min(sorted(classes), key=lambda name: len(classes[name]))
            for rare in sorted(classes) if arguments.rare == "each" else [smallest]:
                for shots in map(int, split_names(arguments.shots)):
                    values = (name, rare, shots, seed, int(arguments.base))
                    if tuple(map(str, values)) in done or shots >= len(classes[rare]):
                        continue  # where all are shown none are left to test on
                    key = dict(zip(KEY, values, strict=True))
                    rows = measure(classes, key, arguments.bundle, arguments.heads, arguments.arms)
                    with arguments.out.open("a", newline="") as file:
                        table = csv.DictWriter(file, FIELDS)
                        if new:
                            table.writeheader()
                        new = False
                        table.writerows(rows)
                    print(*rows, sep="\n", flush=True)


if __name__ == "__main__":
    main()
