"""The commands that are interrupted, each a few seconds long, and what they are run on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

from l2laug.artifacts.bundle import open_bundle, write_info
from l2laug.artifacts.run import find_run
from l2laug.config.evaluation_options import EvaluationOptions
from tests.class_folders import copy_classes
from tests.conftest import from_elsewhere
from tests.fixtures import make as fixtures

METHODS = "dagan,matchinggan"
SETS = {"3": range(12), "5": range(12), "7": range(12)}
DEMO = {"3": range(5), "4": range(8), "7": range(8)}


@dataclass(frozen=True)
class Command:
    """What is run, and what goes on with it.

    Attributes:
        name: of the trials.
        words: of the command line, run in an empty folder.
        again: those that go on.
        copies: what is copied into that folder first.
        setup: makes parts of it small, in the process that runs it.
        once_done: exit code of going on where nothing is left to be done.
    """

    name: str
    words: tuple[str, ...]
    again: tuple[str, ...]
    copies: tuple[tuple[Path, str], ...] = ()
    setup: Callable[[], None] = lambda: None
    once_done: int = 0

    @property
    def going_on(self) -> Command:
        """What goes on with it."""
        return replace(self, words=self.again)


def make_inputs(work: Path) -> Path:
    """Images, bundles and runs, made once."""
    inputs = work / "inputs"
    if inputs.is_dir():
        return inputs
    part = work / "inputs.part"
    shutil.rmtree(part, ignore_errors=True)
    digits = fixtures.draw_digits(part / "digits")
    copy_classes(digits, part / "rare", {"3": range(5), "5": range(5)})
    copy_classes(digits, part / "set", SETS)
    shutil.copytree(fixtures.BUNDLE, part / "tiny")
    part.rename(inputs)
    for name in ("run", "other"):
        fixtures.place_run(inputs / name, inputs / "rare" / "3", inputs / "tiny")
    # Of a bundle that saw none of the digits, so that they can be tested on.
    from_elsewhere(find_run(inputs / "run"), inputs / "tiny", inputs / "elsewhere")
    _quick(inputs / "elsewhere", inputs / "quick")
    return inputs


def _quick(bundle: Path, place: Path) -> None:
    """A bundle that learns base classes along in a moment."""
    shutil.copytree(bundle, place)
    info = json.loads((place / "bundle.json").read_text(encoding="utf-8"))
    info["recipe"]["base"]["steps"] = 3
    write_info(place, info)
    open_bundle(place)


def list_commands(work: Path, start: Callable[[Command, Path], object]) -> list[Command]:
    """What can be interrupted.

    Args:
        work: folder of all trials.
        start: runs a command in a folder; samples to evaluate are drawn by it.
    """
    inputs = make_inputs(work)
    run, digits, quick = inputs / "run", inputs / "digits", str(inputs / "quick")
    cpu, out, recipe = ("--device", "cpu"), ("-o", "out"), ("--recipe", str(fixtures.RECIPE))
    small = ("--heads", "small", "--seeds", "1", "--steps", "2", "--flips", "no")
    small = (*small, "--arms", "classical")
    drawn = work / "drawn"
    if not drawn.is_dir():
        start(Command("", ("sample", str(run), "-n", "24", "-o", str(drawn), *cpu), ()), work)
    by = ("--bundle", str(inputs / "tiny"))
    adapt = ("adapt", str(inputs / "rare"), *by, *out)
    sample = ("sample", str(run), "-n", "100", *out, *cpu)
    tars = (*sample, "--shards", "16")
    pretrain = ("pretrain", str(digits), *out, *recipe)
    evaluate = ("evaluate", "run", "--samples", "drawn", "--dataset", str(digits), "--classifier")
    augment = ("augment", str(inputs / "set"), "--bundle", quick, "--heads", "small", *out, *cpu)
    augment = (*augment, "--force", "samples", "--rare", "3", "--to-count", "16")
    held_out = ("--classes", "2", "--shots", "2", "--seeds", "2", *out, *cpu)
    score = ("score", str(inputs / "tiny"), str(digits), *held_out, "--reference-classifier")
    compare = ("evaluate", "run", "drawn", "--dataset", str(digits), *out, *cpu)
    reproduce = ("reproduce", str(digits), *recipe, *by, "--seeds", "1", *out, *cpu)
    benchmark = ("benchmark", str(digits), "--methods", METHODS, "--shots", "2", "--steps", "2")
    benchmark = (*benchmark, "--seeds", "1", "--error-shots", "3", *out, *cpu)
    found = ((run, "run"), (drawn, "drawn"))
    beside = ((run, "run"), (drawn, "run/samples"), (drawn, "drawn"))
    return [
        Command("adapt", adapt, (*adapt, "--resume")),
        Command("sample", sample, (*sample, "--resume")),
        Command("sample --shards", tars, (*tars, "--resume")),
        Command("pretrain", pretrain, (*pretrain, "--resume"), once_done=6),
        Command("evaluate", (*evaluate, *small), (*evaluate, *small), found),
        Command("augment", augment, (*augment, "--resume"), setup=_small_studies),
        Command("compare", compare, compare, beside),
        Command("score", score, score, setup=_small_reference),
        Command("reproduce", reproduce, reproduce),
        Command("benchmark", benchmark, benchmark, setup=_small_methods),
        Command("demo", ("demo",), ("demo", "--overwrite"), setup=partial(_small_demo, inputs)),
    ]


def _small_studies() -> None:
    """Let augment train its classifiers for two steps, and take whatever is drawn."""
    from l2laug.commands.augmenting import arms
    from l2laug.sampling.sampler import Sampler

    begin = Sampler.__init__

    def accept_all(self: Sampler, *given: object, **more: object) -> None:
        begin(self, *given, **more)  # type: ignore[arg-type]
        self.card = replace(self.card, acceptance_threshold=-1.0)

    Sampler.__init__ = accept_all  # type: ignore[method-assign]
    vars(arms).update(SAMPLES=12, EvaluationOptions=_quickly(EvaluationOptions))


def _small_reference() -> None:
    """Let score measure with a net of ten steps."""
    from l2laug.config.recipe import FeatureOptions
    from l2laug.evaluation import reference_classifier

    tiny = FeatureOptions(width=8, steps=10)
    vars(reference_classifier).update(OPTIONS=tiny, TWO_SAMPLE=tiny)


def _small_demo(inputs: Path) -> None:
    """Let the demo be about three digits."""
    from l2laug.commands import demo

    def write(out: Path) -> tuple[Path, Path]:
        left = {name: range(len(kept), 12) for name, kept in DEMO.items()}
        copy_classes(inputs / "digits", out / "test", left)
        return copy_classes(inputs / "digits", out / "train", DEMO), out / "test"

    problem = demo.Problem("digits", "3", str(inputs / "quick"), 8, write)
    quick = partial(_quickly(EvaluationOptions), heads=("small",))
    vars(demo).update(PROBLEMS=(problem,), EvaluationOptions=quick)


def _quickly(options: Callable[..., EvaluationOptions]) -> Callable[..., EvaluationOptions]:
    return partial(options, flips="no", seeds=1, steps=2, arms=("classical",))


def _small_methods() -> None:
    """Let the benchmark train tiny networks, near no source, in no time."""
    from l2laug.commands.benchmarking import benchmark, scoring
    from l2laug.commands.pretraining import bundle_training
    from tests.methods.recipes import small

    def recipe(name: str, *_: object) -> object:
        tiny = small(name, steps=2, critic_steps=1)
        return tiny.model_copy(update={"data": tiny.data.model_copy(update={"held_out": 2})})

    def no_centroids(_known: object, _unseen: object, _net: object, path: Path) -> dict[str, float]:
        path.write_bytes(b"")
        return {"median": 0.1, "percentile_99": 0.2}

    vars(benchmark).update(method_recipe=recipe, source_seconds=lambda _: 0.0)
    vars(scoring)["time"] = SimpleNamespace(monotonic=lambda: 0.0)
    vars(bundle_training)["save_centroids"] = no_centroids
