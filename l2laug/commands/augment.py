"""Augment: a data set to a better one, where samples of its rare classes are found to help."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from l2laug.artifacts.names import AUGMENTED, MODEL
from l2laug.artifacts.output_folders import check_free
from l2laug.config.evaluation_options import PROBE
from l2laug.core.errors import OutputError, UsageError
from l2laug.core.files import recover, whole_folder, write_text
from l2laug.core.locks import alone_at
from l2laug.reports.augmentation import render
from l2laug.runtime.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from l2laug.commands.augmenting.drawn_images import DrawnImages
    from l2laug.commands.augmenting.plan import AugmentPlan
    from l2laug.commands.augmenting.work import Worked
    from l2laug.data.datasets.dataset import Dataset

# Imports stand in the functions: torch takes seconds, and a finished call does without it.

FORCES = ("samples",)


@dataclass(frozen=True)
class AugmentOptions:
    """What a data set is made into.

    Attributes:
        out: the folder to write.
        to_count: images of each rare class there shall be, real and drawn together: a number,
            ``median``, ``max``, or None, see :func:`find_rare`.
        rare: names of the rare classes; they are found by default.
        budget: seconds that all may take; as long as it takes otherwise.
        bundle: name or path of the bundle to start from; ``auto`` takes the nearest.
        heads: classifiers that samples have to help, see :class:`EvaluationOptions`.
        force: ``samples`` adds them whatever the measurement says.
        link: make links to the real images, not copies.
        shards: images in a WebDataset tar, or in a Parquet file; class folders and the like as they
            came by default.
        parquet: write Parquet files, of 1,000 images unless ``shards`` says otherwise.
        groups: what tells which images may not be parted, see
            :func:`l2laug.data.groups.read_groups`; what the data set says by default.
        models: folder that gets the run folder of each class that images were drawn of; they are
            removed with the rest of the work by default.
        resume: go on with what an earlier call left.
        overwrite: replace what an earlier call wrote.
    """

    out: Path
    to_count: str | None = None
    rare: tuple[str, ...] = ()
    budget: float | None = None
    bundle: str = "auto"
    heads: tuple[str, ...] = (PROBE,)
    force: str | None = None
    link: bool = False
    shards: int | None = None
    parquet: bool = False
    groups: str | None = None
    models: Path | None = None
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.force is not None and self.force not in FORCES:
            raise UsageError(f"--force {self.force} is unknown.", f"Use {', '.join(FORCES)}.")
        if self.resume and self.overwrite:
            raise UsageError("--resume keeps what --overwrite removes.", "Give one of them.")
        if self.link and (self.shards or self.parquet):
            raise UsageError("Tars and Parquet hold images, no links.", "Leave --link out.")


def plan_augment(place: Path, options: AugmentOptions, session: Session) -> AugmentPlan:
    """Read a data set and say what :func:`augment` would do with it.

    Raises:
        ImageError: it can't be read, or has problems: all are listed.
        UsageError: a named class is not there, ``to_count`` is no count, or ``groups`` tell none.
    """
    from l2laug.commands.augmenting.leaks import find_units
    from l2laug.commands.augmenting.plan import make_plan
    from l2laug.data.datasets.read_dataset import read_dataset
    from l2laug.data.groups import read_groups

    dataset = read_dataset(place, out=options.out)
    if options.groups is not None:
        groups = read_groups(options.groups, [item.file for item in dataset.items])
        items = tuple(replace(item, group=g) for item, g in zip(dataset.items, groups, strict=True))
        dataset = replace(dataset, items=items)
    units = find_units(dataset)
    return make_plan(dataset, options.to_count, options.rare, session.seed, units)


def augment(place: Path, options: AugmentOptions, session: Session) -> dict[str, Any]:
    """Write a data set again, with what helps most to train on it.

    What is learned, measured and drawn before all is written lies in a hidden folder beside
    ``out``, from which ``resume`` goes on; it is gone in the end.

    Args:
        place: a data set's folder, or the file that tells of it.
        options: what to make of it.
        session: engine, progress and seed.

    Returns:
        What was found and done, as ``augment.json`` holds it.

    Raises:
        ImageError: the data set can't be read, or has problems: all are listed.
        UsageError: an option can't be right.
        OutputError: ``out`` is there already or can't be written, what is to be resumed was made
            of other files or options, or another process is writing to it.
        BundleError: the bundle is missing, damaged or can't change labels.
        DeviceError: the device is not there.
    """
    with alone_at(options.out.with_name(f".{options.out.name}.part")):
        return _augment(place, options, session)


def _augment(place: Path, options: AugmentOptions, session: Session) -> dict[str, Any]:
    began, out = time.monotonic(), options.out
    key = _key(place, options, session.seed)
    recover(out)
    if options.resume and (out / AUGMENTED).is_file():
        result = _finished(out, key)
        shutil.rmtree(_work_place(out), ignore_errors=True)  # where only that was left to be done
        return result
    from l2laug.classification.heads.registry import check_heads
    from l2laug.commands.augmenting.image_folders import folder_names
    from l2laug.commands.augmenting.output.keep_run import keep_run
    from l2laug.commands.augmenting.output.recipe_files import write_recipe
    from l2laug.commands.augmenting.work import Work, WorkOptions

    if options.parquet:
        import_module("pyarrow")  # if it is missing, say so before any work
    check_free([out], AUGMENTED, overwrite=options.overwrite, keep=[place])
    check_heads(options.heads)
    plan = plan_augment(place, options, session)
    for note in plan.notes:
        session.progress.say(f"note: {note}")
    names, models = folder_names(plan.dataset.classes), options.models
    if models is not None:
        runs = [models / names[c.name] for c in plan.filled]
        again = options.overwrite or options.resume  # which may have been cut off behind them
        check_free(runs, MODEL, overwrite=again, keep=[place])
    folder = _work_folder(out, key, resume=options.resume)
    forced = options.force is not None
    how = WorkOptions(options.bundle, options.budget, began, forced, options.heads)
    work = Work(plan, folder, session, how)
    worked = work.run()
    with work.stages.next(), whole_folder(out, last=AUGMENTED) as part:
        images = {name: found for name, found in worked.drawn.items() if found}
        _write(plan.dataset, images, part, options, session)
        added = {name: len(found) for name, found in images.items()}
        arm = write_recipe(part, worked.measured, added, [c.name for c in plan.filled])
        result = {"key": key, **_result(plan, worked, arm), "out": str(out)}
        write_text(part / "report.md", render(result))
        if models is not None:
            for name, run in worked.models.items():
                keep_run(run, _place_of(models, out, part) / names[name])
        text = json.dumps(result, indent=1, ensure_ascii=False)
        write_text(part / AUGMENTED, text + "\n")
    shutil.rmtree(folder)
    return dict(json.loads(text))


def _place_of(models: Path, out: Path, part: Path) -> Path:
    """Where models are kept; in the unfinished folder if they are to be in the finished one."""
    place, whole = models.resolve(), out.resolve()
    return part / place.relative_to(whole) if place.is_relative_to(whole) else models


def _write(
    dataset: Dataset,
    images: Mapping[str, DrawnImages],
    folder: Path,
    options: AugmentOptions,
    session: Session,
) -> None:
    """Write real and drawn images the way that was asked for."""
    from l2laug.commands.augmenting.output.write_containers import Containers, write_containers
    from l2laug.commands.augmenting.output.write_dataset import write_dataset

    if options.shards is None and not options.parquet:
        link, seed = options.link, session.seed
        return write_dataset(dataset, images, folder, session.progress, link=link, seed=seed)
    how = Containers.asked(options.shards, parquet=options.parquet)
    return write_containers(
        dataset, images, folder, session.progress, containers=how, seed=session.seed
    )


def _result(plan: AugmentPlan, worked: Worked, arm: str) -> dict[str, Any]:
    """What was found and done, as plain data."""
    drawn = worked.drawn
    before = plan.dataset.counts()
    classes = []
    for c in plan.classes:
        shown = sum(new.shown[c.name] for new in drawn.values())
        one: dict[str, Any] = {
            "name": c.name,
            "role": c.role,
            "before": before[c.name],
            "drawn": shown,
        }
        one |= {"after": before[c.name] + shown, "wanted": c.target, "images": c.images}
        if plan.dataset.of_objects:
            there = sum(o.label == c.name for i in plan.dataset.of() for o in i.objects)
            more = sum(new.objects[c.name] for new in drawn.values())
            one |= {"objects_before": there, "objects_after": there + more}
        if c.name in worked.measured:
            one["measured"] = asdict(worked.measured[c.name])
        classes.append(one)
    dropped = [
        {"file": file, "class": name, **asdict(gone)}
        for name, new in drawn.items()
        for file, gone in new.dropped
    ]
    return {
        "plan": plan.to_json(),
        "augmentation": arm,
        "added": sum(map(len, drawn.values())),
        "classes": classes,
        "dropped": dropped,
        "mirrored": sum(new.mirrored for new in drawn.values()),
        "notes": [*plan.notes, *worked.notes],
    }


def _key(place: Path, options: AugmentOptions, seed: int) -> str:
    """What a data set and options are known by: names, sizes and times of all files, no content."""
    root = place if place.is_dir() else place.parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.is_file():
            about = path.stat()
            digest.update(
                f"{path.relative_to(root)} {about.st_size} {about.st_mtime_ns}\n".encode()
            )
    classes, how = (options.to_count, sorted(options.rare)), (options.bundle, options.heads)
    form = (options.shards, options.parquet, options.groups, str(options.models))
    digest.update(repr((classes, how, form, options.force, seed)).encode())
    return digest.hexdigest()


def _finished(out: Path, key: str) -> dict[str, Any]:
    """What an earlier call of the same data set and options found and did."""
    try:
        result: dict[str, Any] = json.loads((out / AUGMENTED).read_text(encoding="utf-8"))
        same = result["key"] == key
    except (ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise OutputError(
            f"{out} was made of other files or options.",
            "Give --overwrite in place of --resume, or another place with -o.",
        )
    return result


def _work_place(out: Path) -> Path:
    return out.with_name(f".{out.name}.augmenting")


def _work_folder(out: Path, key: str, *, resume: bool) -> Path:
    """Where an unfinished augmentation lies, emptied unless it is this one and to be resumed."""
    folder = _work_place(out)
    mark = folder / "key"
    if folder.exists() and not (resume and mark.is_file() and mark.read_text() == key):
        shutil.rmtree(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(mark, key)
    except OSError as error:
        raise OutputError(
            f"{folder} can't be made: {error.strerror or error}.", "Choose another place with -o."
        ) from error
    return folder
