"""How much memory many samples take beside few.

    python -m tests.benchmarks.memory --counts 1000,20000

Each row is a process of its own that draws so many images: `sample` from a model file, as class
folders and as tar shards, and `augment`, which fills a class of three images of 32x32 pixels with
draws of a model that needs no learning. A ratio of 1 means that memory does not grow with what is
drawn.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from l2laug.artifacts.model_card import Card
from l2laug.artifacts.run import find_run
from l2laug.commands.sample import SampleOptions, sample
from l2laug.core.progress import Progress
from l2laug.sampling import sampler as sampling
from tests.benchmarks.ratios import Ratio, show

RUN = Path(__file__).parents[1] / "fixtures" / "tiny-run"
CARD = Card(
    class_name="a",
    size=32,
    channels=1,
    latent=10,
    bundle="tiny",
    bundle_hash="",
    recipe="tiny",
    recipe_hash="",
    version="0",
    seed=0,
    steps=1,
    acceptance_threshold=-1.0,
    support_hashes=(),
)


def draw(count: int, out: Path, **options: object) -> None:
    accepting = sampling.Sampler.__init__

    def accept_all(self: sampling.Sampler, *given: object, **more: object) -> None:
        accepting(self, *given, **more)  # type: ignore[arg-type]
        self.card = replace(self.card, acceptance_threshold=-1.0)

    sampling.Sampler.__init__ = accept_all  # type: ignore[method-assign]
    options |= {"count": count, "out": out / "drawn"}
    sample(find_run(RUN), SampleOptions(**options), Progress(quiet=True))  # type: ignore[arg-type]


def fill(count: int, out: Path, **options: object) -> None:
    # With these comes torch, which samples are drawn without.
    from l2laug.commands.augment import AugmentOptions, augment
    from l2laug.commands.augmenting import learn_classes
    from l2laug.runtime.session import Session
    from tests.commands.augmenting.models import warping
    from tests.data.datasets import trees

    learn_classes.adapt = warping(CARD)  # type: ignore[attr-defined]
    root = trees.class_folders(out / "set", {"a": 3, "b": 9}, (32, 32))
    options |= {"out": out / "filled", "rare": ("a",), "to_count": str(count), "force": "samples"}
    augment(root, AugmentOptions(**options), Session.start("cpu", Progress(quiet=True)))  # type: ignore[arg-type]


WAYS: Mapping[str, Callable[[int, Path], None]] = {
    "sample": draw,
    "sample --shards 100": lambda count, out: draw(count, out, shards=100),
    "augment": fill,
}


def peak(way: str, count: int) -> float:
    """MiB that a process of its own takes."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["-m", "tests.benchmarks.memory", "--one", way, str(count), folder]
        told = subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True)
    return int(told.stdout) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", default="1000,20000")
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if given.one:
        way, count, folder = given.one
        WAYS[way](int(count), Path(folder))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return
    few, *more = map(int, given.counts.split(","))
    found, facts = list[Ratio](), dict[str, str]()
    for way in given.ways.split(","):
        least = peak(way, few)
        for count in more:
            most = peak(way, count)
            each = (most - least) * 2**20 / (count - few)
            facts[way] = f"{least:.0f} MiB for {few}, {most:.0f} for {count}: {each:.0f} bytes each"
            ratio = most / least
            found.append(Ratio(f"{way}, {count}", str(few), ratio, ratio, ratio, 1))
    show(found, facts, as_json=given.json)


if __name__ == "__main__":
    main()
