"""How often the verdict is wrong where the right one is known.

    python -m tests.benchmarks.verdict_calibration --cases 20 -o calibration.csv
    python -m tests.benchmarks.verdict_calibration --cases 20 -o calibration.csv --images PROBLEMS

A case takes seven classes at random, of scikit-learn's scanned digits or of one of the problems in
the folder PROBLEMS (class folders each), shows 1, 2 or 5 images of one of them and twenty of each
other, and keeps back the rest. It asks six times for a verdict, as `evaluate --classifier` gives
it, on what is added to the rare class:

    real     other real images of it            wrong if it hurts; unclear is a miss
    wrong    images of another class            wrong if it helps
    noise    uniform noise                      wrong if it helps
    copies   the images shown, again            wrong if it helps or hurts
    blur     the images shown, a little blurred wrong if it helps
    nothing  no image                           wrong if it helps or hurts

A row of the file is one verdict; those that are there are not asked for again. All six have the
trainings without samples in common, so these are done once. `--head small` trains nets; finished
ones are kept beside the file.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from l2laug.classification.arms.extras import Extra
from l2laug.classification.arms.nearest import nearest_rows
from l2laug.classification.arms.policy import Policy
from l2laug.classification.arms.registry import Arm
from l2laug.classification.heads.head import Head
from l2laug.classification.heads.network import Network
from l2laug.classification.heads.probe import Embedding, Probe, Seen
from l2laug.classification.heads.registry import images_of
from l2laug.classification.predictions import Answers
from l2laug.classification.results_cache import ResultsCache
from l2laug.classification.run import make_plan
from l2laug.classification.shapes import Shapes, resized
from l2laug.classification.study import Study, StudyData
from l2laug.classification.summary import confirm, summarise
from l2laug.classification.tuning import Tuner
from l2laug.classification.verdict import UNCLEAR
from l2laug.core.arrays import Pixels, pixel_hash
from l2laug.core.progress import Progress
from l2laug.features.general import load_general_net
from l2laug.metrics.intervals import wilson_share
from l2laug.runtime.device import Engine, pick_engine
from tests.benchmarks.planted_cases import (
    KINDS,
    Case,
    digits,
    draw_case,
    photographs,
    table,
)

COLUMNS = (
    *("head", "images", "case", "kind", "verdict", "change", "low", "high"),
    *("best_with", "best_without", "problem", "rare", "shots", "rare_tests", "arms", "seeds"),
    "seconds",
)
SMALL_SIDE = 32


class Remembering(Embedding):
    """Looks at no whole image twice, whatever the case."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(load_general_net(), engine)
        self.known: dict[str, Seen] = {}

    def __call__(self, pixels: Pixels, rows: np.ndarray, policy: Policy, seed: int = 0) -> Seen:
        if not policy.plain or not len(rows):
            return self.look(pixels, rows, policy, seed)
        keys = [pixel_hash(pixels[row]) for row in rows]
        new = {key: row for key, row in zip(keys, rows, strict=True) if key not in self.known}
        found = self.look(pixels, np.array(list(new.values()), dtype=np.int64), policy, seed)
        self.known.update(zip(new, found, strict=True))
        return np.stack([self.known[key] for key in keys])


def quietly(steps: int = 1, note: str = "") -> None:
    """No progress within a case."""
    del steps, note


def build(
    case: Case, name: str, embedding: Remembering, study: Study, cache: ResultsCache
) -> tuple[StudyData, Head]:
    """The case's images at the head's size, and a head that knows all kinds of extra images."""
    data = StudyData(case.train, case.test, case.rare, case.added["real"])
    mine = np.flatnonzero(case.train.labels == data.label)
    support = embedding.whole(case.train.pixels[mine])
    shapes = Shapes(data)
    own = shapes.at(SMALL_SIDE, 3) if name == "small" else images_of(name, shapes)
    extras, side = {}, own.train.pixels.shape[-1]
    for kind, pixels in case.added.items():
        parents = mine[nearest_rows(embedding.whole(pixels), support)] if len(pixels) else mine[:0]
        extras[kind] = Extra(resized(pixels, side, 3), parents[:, None])
    if name == "probe":
        return data, Probe(own, extras, embedding, study.seed)
    extras["samples"] = extras["real"]
    return data, Network(name, own, extras, study, embedding.engine, cache)


def run_case(
    case: Case, name: str, embedding: Remembering, study: Study, cache: ResultsCache
) -> dict[str, dict[str, object]]:
    """What the head says of each kind; what is not unclear is asked again, as `evaluate` does."""
    found = answers_of(case, name, embedding, study, cache, KINDS)
    firm = tuple(kind for kind in KINDS if found[kind]["verdict"] != UNCLEAR)
    again = answers_of(case, name, embedding, study.again, cache, firm) if firm else {}
    return found | {kind: confirm(found[kind], again[kind]) for kind in firm}


def answers_of(
    case: Case,
    name: str,
    embedding: Remembering,
    study: Study,
    cache: ResultsCache,
    kinds: Sequence[str],
) -> dict[str, dict[str, object]]:
    """What one study says of some kinds."""
    data, head = build(case, name, embedding, study, cache)
    plan = make_plan(data, study, embedding)
    tuner = Tuner(head, data.train.labels, data.label, plan.flips, quietly, study.seed)

    def trained(arm: Arm) -> tuple[object, list[Answers]]:
        tuned = tuner.tune(arm)
        said = [head.answer(tuned.setting, tuned.rate, seed) for seed in study.training_seeds]
        return replace(tuned, arm=replace(arm, extra=arm.extra and "samples")), said

    rivals = [trained(arm) for arm in plan.arms if not arm.samples]
    found = {}
    for kind in kinds:
        # Tuned arms are remembered by their names.
        twins = [
            trained(replace(arm, name=f"{arm.name} ({kind})", extra=kind))
            for arm in plan.arms
            if arm.samples
        ]
        both = [*rivals, *twins]
        answers = {tuned.arm.name: said for tuned, said in both}
        tuned = [one for one, _ in both]
        found[kind] = summarise(head.name, tuned, answers, data.test, data.rare)
    return found


def main() -> None:
    """Run the cases that are not done yet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--head", default="probe", help="probe, small, or a timm model")
    parser.add_argument("--images", type=Path, help="folder of problems [scanned digits]")
    parser.add_argument("--cases", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="of the studies; cases stay the same")
    parser.add_argument("--steps", type=int, default=200, help="of a net's training")
    parser.add_argument("--arms", default="quick")
    parser.add_argument("--device", default="auto")
    parser.add_argument("-o", "--out", type=Path, default=Path("calibration.csv"))
    options = parser.parse_args()
    embedding, progress = Remembering(pick_engine(options.device)), Progress()
    problems = photographs(options.images) if options.images else digits()
    kind_of_images = "photographs" if options.images else "digits"
    flips = "auto" if options.images else "no"
    arms = tuple(options.arms.split(","))
    lasting = {"seeds": options.seeds, "steps": options.steps, "seed": options.seed}
    study = Study((options.head,), arms, flips, **lasting)
    rows = _read(options.out)
    done = {(r["head"], r["images"], int(r["case"])) for r in rows}
    for number in range(options.first, options.first + options.cases):
        if (options.head, kind_of_images, number) in done:
            continue
        case, start = draw_case(problems, number), time.process_time()
        kept = options.out.with_suffix(f".{options.head.partition('@')[0]}-{number}.jsonl")
        cache = ResultsCache(None if options.head == "probe" else kept)
        found = run_case(case, options.head, embedding, study, cache)
        about = {
            "head": options.head,
            "images": kind_of_images,
            "case": number,
            "problem": case.problem,
            "rare": case.rare,
            "shots": case.shots,
            "rare_tests": int((case.test.labels == 0).sum()),
            "arms": options.arms,
            "seeds": options.seeds,
            "seconds": round((time.process_time() - start) / len(KINDS), 1),
        }
        _append(options.out, [{**about, **_row(kind, entry)} for kind, entry in found.items()])
        words = ", ".join(f"{kind} {entry['verdict']}" for kind, entry in found.items())
        progress.say(f"case {number}, {case.problem}, {case.rare}, {case.shots} shots: {words}")
    rows = [r for r in _read(options.out) if r["head"] == options.head]
    print(
        table(rows, lambda wrong, of: (wilson_share(wrong, of).low, wilson_share(wrong, of).high))
    )


def _row(kind: str, entry: dict[str, object]) -> dict[str, object]:
    low, high = entry["interval"]
    names = [str(entry[side]).partition(" (")[0] for side in ("best_with", "best_without")]
    return {
        "kind": kind,
        "verdict": entry["verdict"],
        "change": round(entry["change"], 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "best_with": names[0],
        "best_without": names[1],
    }


def _read(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _append(path: Path, rows: list[dict[str, object]]) -> None:
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        table_file = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            table_file.writeheader()
        table_file.writerows(rows)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
