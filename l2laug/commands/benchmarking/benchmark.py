"""Benchmark: every method within one budget, on the same data, splits and scores."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from l2laug import __version__
from l2laug.artifacts.bundle import Bundle
from l2laug.artifacts.names import INFO
from l2laug.commands.benchmarking.plan import BenchmarkOptions, method_recipe
from l2laug.commands.benchmarking.scoring import Scoring, large_classes
from l2laug.commands.benchmarking.trainings import ABOUT, BUNDLES, NETS, Trainings, source_seconds
from l2laug.config.recipe import Recipe
from l2laug.core.errors import ImageError, OutputError
from l2laug.core.files import own_folder, write_text
from l2laug.core.stages import Stage, Stages
from l2laug.data.base_classes import source_classes
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.data.public_sources import source_size
from l2laug.data.split_classes import split_classes
from l2laug.evaluation.bundles.draw_scores import DrawScorer
from l2laug.evaluation.bundles.held_out import BESIDE, split_unseen
from l2laug.features.extractor import extractor_at
from l2laug.methods.registry import images_a_step
from l2laug.reports.paper.benchmark import REAL, draw_figure, summarised, write_tables
from l2laug.runtime.processes import Processes
from l2laug.runtime.session import Session

Found = dict[str, Any]
# Seconds that parts take, roughly; a training beside those of each image that it sees.
SECONDS = {"train": 20.0, "image": 0.02, "score": 60.0, "nets": 60.0}


@dataclass(frozen=True)
class Benchmark:
    """What a benchmark found.

    Attributes:
        folder: holds ``benchmark.json``, ``.csv``, ``.md`` and ``.png``, and all that going on
            needs.
        rows: one for real images, then one for each method; means over the seeds, and with
            ``_deviation`` behind their name standard deviations.
        main: whether this is the process to tell of it, one of several that trained.
    """

    folder: Path
    rows: list[Found]
    main: bool = True


def benchmark(source: Path, out: Path, options: BenchmarkOptions, session: Session) -> Benchmark:
    """Train and measure methods; the same call goes on after a stop.

    Started by `torchrun` or `accelerate launch`, all processes train together and the first one
    measures, see :func:`l2laug.commands.pretrain.pretrain`.

    Args:
        source: class folders.
        out: folder for all of it.
        options: methods, budget, classes.
        session: engine and progress; seeds are counted from 0.

    Raises:
        UsageError: a method is unknown or can't do what is asked for.
        ImageError: there are too few classes or images.
        OutputError: ``out`` holds another benchmark or something else, another process is writing
            to it, or it can't be written.
    """
    options.check()
    processes = Processes(cpu=session.engine.device.type == "cpu")
    with own_folder(out) if processes.main else nullcontext():
        return _benchmark(source, out, options, session, processes)


def _benchmark(
    source: Path, out: Path, options: BenchmarkOptions, session: Session, processes: Processes
) -> Benchmark:
    with processes.main_first():
        folders = source_classes(source, None)
        side = source_size(source)()
        recipes = {name: method_recipe(name, side, options) for name in options.names}
        if processes.main:
            _begin(out, options, {name: len(f) for name, f in sorted(folders.items())})
    left = stages_left(out, recipes, options)
    stages = Stages(session.progress, list(left.values()))

    def stage(key: str) -> AbstractContextManager[object]:
        return stages.next() if key in left else nullcontext()

    session = session.showing(stages)
    with stages.task("reading", sum(map(len, folders.values()))) as advance:
        images = read_classes(folders, *side, advance)
    first = next(iter(recipes.values()))
    known, unseen = split_classes(images, first.data)
    chosen = _chosen(unseen, options)
    trainings = Trainings(out, source, known, unseen, session, processes)
    with stage("nets"):
        about = trainings.nets(first)
    scoring = _scoring(out, unseen, chosen, options, session)
    found: dict[str, list[Found]] = {}
    for seed in range(options.seeds):
        for name, recipe in recipes.items():
            with stage(f"train {name}-{seed}"):
                bundle = trainings.bundle(recipe, seed, about)
            with stage(f"score {name}-{seed}"):
                if processes.main:
                    _score(found, name, seed, bundle, scoring)
    if not processes.main:
        processes.wait()
        return Benchmark(out, [], main=False)
    rows = summarised(found)
    classes = len(chosen.classes)
    write_tables(
        out,
        rows,
        f"{options.describe_budget()}; {options.shots} images shown of each of "
        f"{classes} held-out classes, {options.seeds} seeds, "
        f"{session.engine.describe()}, l2laug {__version__}",
    )
    draw_figure(out, split_unseen(chosen, options.shots, 0), list(recipes))
    processes.wait()
    return Benchmark(out, rows)


def _score(
    found: dict[str, list[Found]], name: str, seed: int, bundle: Bundle, scoring: Scoring
) -> None:
    """Add what a method scored with a seed, real images before the first method."""
    if len(found.get(REAL, [])) <= seed:
        real = _kept(scoring.folder, f"real-{seed}", lambda: scoring.real(seed))
        found.setdefault(REAL, []).append(real)
    told = _kept(scoring.folder, f"{name}-{seed}", lambda: scoring.method(bundle, seed))
    steps = int(bundle.info["steps"])
    cost: Found = {"steps": steps, "images_seen": steps * int(bundle.info["images_a_step"])}
    cost |= {"seconds": source_seconds(bundle)}
    without = {k: v for k, v in found[REAL][seed].items() if k.endswith("_without")}
    found.setdefault(name, []).append(cost | told | without)


def stages_left(
    out: Path, recipes: dict[str, Recipe], options: BenchmarkOptions
) -> dict[str, Stage]:
    """What earlier calls left to be done, by keys, with seconds that it may take."""
    found = {}
    if not (out / NETS / ABOUT).is_file():
        found["nets"] = Stage("nets", "feature nets that all methods share", SECONDS["nets"])
    for seed in range(options.seeds):
        for name, recipe in recipes.items():
            limit, key = recipe.source.max_seconds, f"{name}-{seed}"
            if not (out / BUNDLES / key / INFO).is_file():
                seen = recipe.source.steps * images_a_step(recipe)
                work = SECONDS["train"] + (SECONDS["image"] * seen if limit is None else limit)
                title = f"{name}, seed {seed}: source training"
                found[f"train {key}"] = Stage(f"train {name}", title, work, cut=limit)
            if not _score_file(out, key).is_file():
                title = f"{name}, seed {seed}: rare classes and scores"
                found[f"score {key}"] = Stage("score", title, SECONDS["score"])
    return found


def _begin(out: Path, options: BenchmarkOptions, images: dict[str, int]) -> None:
    """Remember what benchmark this is; reject to go on with another one.

    More seeds and more methods go on with those that are there.
    """
    told = asdict(options) | {"version": __version__, "images": images}
    for changing in ("methods", "seeds"):
        del told[changing]
    told["lpips"] = options.lpips is not None
    path = out / "settings.json"
    text = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    if path.is_file():
        if path.read_text(encoding="utf-8") != text:
            raise OutputError(
                f"{out} holds a benchmark of another budget, other images or classes.",
                "Choose a new folder with -o.",
            )
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise OutputError(f"{out} holds other files.", "Choose a new folder with -o.")
    write_text(path, text)


def _chosen(unseen: ImageSet, options: BenchmarkOptions) -> ImageSet:
    """The last of the held-out classes that are large enough."""
    chosen = large_classes(unseen, options.shots, options.classes)
    if len(chosen.classes) < 2:
        raise ImageError(
            f"{len(chosen.classes)} of {len(unseen.classes)} held-out classes have "
            f"{options.shots + BESIDE} images or more.",
            "Use fewer --shots, or larger classes.",
        )
    return chosen


def _scoring(
    out: Path, unseen: ImageSet, chosen: ImageSet, options: BenchmarkOptions, session: Session
) -> Scoring:
    extractor = extractor_at(out / NETS / "features.onnx", "source feature net", "")
    scorer = DrawScorer(extractor, session.device, options.lpips)
    few = {shots: large_classes(unseen, shots, options.classes) for shots in options.error_shots}
    for shots, classes in few.items():
        session.progress.say(f"{len(classes.classes)} held-out classes of {shots + BESIDE} images")
    return Scoring(chosen, few, options, scorer, session, out)


def _score_file(folder: Path, name: str) -> Path:
    return folder / "scores" / f"{name}.json"


def _kept(folder: Path, name: str, measure: Callable[[], Found]) -> Found:
    """What was measured before the benchmark was stopped, or is measured now."""
    path = _score_file(folder, name)
    if path.is_file():
        known: Found = json.loads(path.read_text(encoding="utf-8"))
        return known
    found = measure()
    write_text(path, json.dumps(found) + "\n")
    return found
