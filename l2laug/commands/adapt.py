"""Adapt: a folder of rare images to a run folder with a model that draws more of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from l2laug.artifacts.bundle import Bundle, find_bundle, list_bundles
from l2laug.artifacts.names import HOME, MODEL
from l2laug.artifacts.output_folders import check_free
from l2laug.artifacts.training_log import TrainingLog
from l2laug.commands.adapting.adapt_change import adapt_change, load_change_generator, tune_on_base
from l2laug.commands.adapting.adapt_class import (
    MAX_SIDE,
    Plan,
    adapt_class,
)
from l2laug.commands.adapting.earlier_run import bundle_of, check_same
from l2laug.commands.adapting.run_folder import write_run
from l2laug.commands.adapting.select_bundle import Choice, nearest_bundle, own_bundle
from l2laug.config.load import find_recipe, parse_recipe
from l2laug.config.methods import L2L
from l2laug.config.recipe import Recipe
from l2laug.core.errors import BundleError, ImageError, QualityError, UsageError
from l2laug.core.files import recover
from l2laug.data.base_classes import read_base_classes, source_classes
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet
from l2laug.data.images.image_stats import image_stats
from l2laug.data.public_sources import source_size
from l2laug.data.support import read_supports
from l2laug.evaluation.bundles.domain_distance import GENERAL
from l2laug.methods.learning.rare import check_method
from l2laug.runtime.session import Session
from l2laug.training.joint import train_jointly

SPLITS = frozenset({"train", "val", "valid", "validation", "test", "ground_truth"})


@dataclass(frozen=True)
class AdaptOptions:
    """How rare classes are learned.

    Attributes:
        bundle: name or path of the bundle to start from; ``auto`` takes the nearest.
        source: class folders of base classes to train a bundle on first; the rare images may
            lie among them.
        base: class folders of base classes of the same kind, to learn along with the rare
            ones first; those may lie among them.
        out: the run folder, with several classes the folder that theirs go into.
        budget: seconds that training a class may take, and learning the base ones; the recipe's
            steps otherwise.
        recipe: in place of the bundle's own; with ``source`` that of the bundle.
        resume: keep the classes that an earlier call adapted, if it was this one in all else but
            ``budget``.
        overwrite: replace run folders that exist.
        max_side: of the originals that the model file carries, in pixels; longer ones are reduced.
        private: leave the rare images out of ``sheet.png``.
        keep_going: adapt the other classes where nothing that is made of one passes.
    """

    bundle: str = "auto"
    source: Path | None = None
    base: Path | None = None
    out: Path | None = None
    budget: float | None = None
    recipe: Recipe | None = None
    resume: bool = False
    overwrite: bool = False
    max_side: int = MAX_SIDE
    private: bool = False
    keep_going: bool = False


@dataclass(frozen=True)
class Adapted:
    """One adapted class.

    Attributes:
        class_name: the rare class.
        run: its run folder.
        support: how many images it was learned from.
        notes: what the user should know: files left out, images far from the bundle's source.
        bundle: that it grew from.
        distances: to every bundle, where ``auto`` chose among them; see ``Choice``.
        passed: whether there is a model: something made of its images passes its own gauges.
    """

    class_name: str
    run: Path
    support: int
    notes: tuple[str, ...]
    bundle: str = ""
    distances: dict[str, float] = field(default_factory=dict)
    passed: bool = True


@dataclass(frozen=True)
class _Job:
    """What one call is about: the classes, where each goes, and those that are there already."""

    folder: Path
    classes: dict[str, list[Path]]
    runs: dict[str, Path]
    done: list[str]

    def folder_of(self, name: str) -> Path:
        """The folder of a class's images."""
        alone = len(self.classes) == 1 and name == self.folder.resolve().name
        return self.folder if alone else self.folder / name


def adapt(folder: Path, options: AdaptOptions, session: Session) -> list[Adapted]:
    """Learn each rare class in ``folder`` and write a run folder for it.

    Args:
        folder: images of one class, or class folders that are adapted in turn.
        options: how to learn them.
        session: engine, progress and seed.

    Raises:
        ImageError: no image there that can be read.
        BundleError: the bundle is missing or damaged, or the recipe's networks are others.
        OutputError: a run folder exists or can't be written, or what is to be kept was adapted
            otherwise.
        DeviceError: the device is not there.
        QualityError: what comes out does not pass; ``RUN.rejected`` has a sheet of it. With
            ``keep_going`` the other classes are adapted in its place.
    """
    device = session.engine.describe()  # that it is not there has to be known before any work
    job = _prepare(folder, options, session.progress.say)
    choice = _choose(job, options, session)
    bundle, progress = choice.bundle, session.progress
    recipe = _recipe(options, bundle)
    if recipe.method != L2L:
        check_method(recipe.method, job.classes, base=options.base)
    plan = Plan(
        bundle, recipe, session, options.budget, max_side=options.max_side, private=options.private
    )
    sets = read_supports(job.classes, bundle)
    _check_free(job, options, bundle.path)
    progress.say(f"bundle {bundle.name}, {device}")
    if options.base is not None:
        plan = replace(plan, base=_read_base(options.base, job, plan))
    general = _falls_back_to(options, bundle)
    fallen = [name for name in job.done if bundle_of(job.runs[name]) == general]
    for name in [done for done in job.done if done not in fallen]:
        check_same(job.runs[name], sets[name], plan)
    learn = _learner(job, list(sets.values()), plan)
    results = list[Adapted]()

    def adapt_generally(name: str) -> None:
        again = replace(options, bundle=GENERAL, out=job.runs[name])
        found = adapt(job.folder_of(name), again, session)
        results.extend(replace(one, distances=choice.distances) for one in found)

    for name, run in job.runs.items():
        if name in fallen:
            adapt_generally(name)
            continue
        notes, passed = tuple[str, ...](), True
        if name in job.done:
            progress.say(f"{name}: adapted before")
        else:
            try:
                notes = write_run(learn, sets[name], job.folder_of(name), run)
            except QualityError as error:
                if general is not None:
                    progress.say(f"note: {error.fact} Bundle {general} is taken in its place.")
                    adapt_generally(name)
                    continue
                if not options.keep_going:
                    raise
                notes, passed = (error.fact,), False
                progress.say(f"note: {error}")
        count = len(sets[name].pixels)
        results.append(Adapted(name, run, count, notes, bundle.name, choice.distances, passed))
    return results


def _falls_back_to(options: AdaptOptions, bundle: Bundle) -> str | None:
    """The bundle for classes of which the chosen one's draws don't pass, if the user named none."""
    names = {found.name for found in list_bundles()}
    free = options.bundle == "auto" and options.source is None and options.recipe is None
    return GENERAL if free and bundle.name != GENERAL and GENERAL in names else None


def _learner(
    job: _Job, rare: list[ImageSet], plan: Plan
) -> Callable[[ImageSet, Path, Path], tuple[str, ...]]:
    """What learns one class, from its images and their folder into a run folder."""
    new = len(job.done) < len(job.runs)
    if plan.recipe.change is not None:
        generator, steps = load_change_generator(plan.bundle, plan.recipe), 0
        if plan.base is not None and new:
            generator, steps = tune_on_base(generator, [*rare, plan.base], plan)
        return lambda support, folder, run: adapt_change(
            support, folder, run, plan, (generator, steps)
        )
    if plan.base is not None and new:
        log = TrainingLog()
        initial = train_jointly(
            rare, plan.base, plan.bundle, plan.recipe, plan.session, seconds=plan.budget, log=log
        )
        plan = replace(plan, initial=initial, log=tuple(log.lines))
    return lambda support, folder, run: adapt_class(support, folder, run, plan)


def _prepare(folder: Path, options: AdaptOptions, say: Callable[[str], None]) -> _Job:
    """Find the classes and make sure that the options and the outputs can be right."""
    if options.resume and options.overwrite:
        raise UsageError("--resume keeps what --overwrite removes.", "Give one of them.")
    if options.source is not None and options.bundle != "auto":
        raise UsageError("--bundle and --source both name a bundle.", "Give one of them.")
    if options.source is not None and options.base is not None:
        raise UsageError(
            "--source trains a bundle on base classes, --base goes on from one.",
            "Give --base to be done in minutes, --source where all bundles are far.",
        )
    classes = class_folders(folder, say=say)
    _check_no_splits(folder, classes)
    if options.base is not None:
        source_classes(options.base, folder, say)  # that there are any has to be known, too
    out = options.out or HOME
    alone = len(classes) == 1 and options.out is not None
    runs = {name: out if alone else out / name for name in classes}
    for run in runs.values():
        recover(run)
    done = [name for name, run in runs.items() if options.resume and (run / MODEL).is_file()]
    job = _Job(folder, classes, runs, done)
    _check_free(job, options)
    return job


def _check_no_splits(folder: Path, classes: dict[str, list[Path]]) -> None:
    """Make sure that ``train`` and ``test`` of a data set are not taken for classes."""
    named = len(classes) > 1 and "train" in classes and set(classes) <= SPLITS
    if named and all(p.parent != folder / name for name in classes for p in classes[name]):
        raise ImageError(
            f"{folder} holds {' and '.join(classes)} of a data set, not classes.",
            f"Give a folder of one class below it, or l2laug augment {folder}.",
        )


def _choose(job: _Job, options: AdaptOptions, session: Session) -> Choice:
    """The bundle to start from: trained now, named, or the nearest."""
    if options.source is not None:
        for files in job.classes.values():
            image_stats(files)  # that none can be read has to be known before hours of training
        recipe = options.recipe or find_recipe("default", source_size(options.source))
        return Choice(own_bundle(options.source, job.folder, recipe, session), {})
    if options.bundle != "auto":
        return Choice(find_bundle(options.bundle), {})
    choice = nearest_bundle(job.classes)
    session.progress.say(choice.describe())
    return choice


def _check_free(job: _Job, options: AdaptOptions, *keep: Path) -> None:
    """Make sure that the runs may be written and that nothing read from is removed for them."""
    inputs = [path for path in (job.folder, options.source, options.base) if path is not None]
    places = [run for name, run in job.runs.items() if name not in job.done]
    check_free(places, MODEL, overwrite=options.overwrite, keep=[*inputs, *keep])


def _recipe(options: AdaptOptions, bundle: Bundle) -> Recipe:
    """The recipe given or the bundle's own; its networks have to be those of the bundle."""
    own = parse_recipe(bundle.info["recipe"], f"of bundle {bundle.name}")
    recipe = options.recipe or own
    networks = ("method", "generator", "critic", "method_training")
    if any(getattr(recipe, part) != getattr(own, part) for part in networks):
        raise BundleError(
            f"The networks of recipe {recipe.name} are not those of bundle {bundle.name}.",
            "Give method, generator and critic as in the bundle's own recipe, or another --bundle.",
        )
    return recipe


def _read_base(folder: Path, job: _Job, plan: Plan) -> ImageSet:
    """The base classes to learn along."""
    base = read_base_classes(
        folder,
        job.folder,
        job.runs,
        plan.bundle,
        plan.recipe.base,
        plan.session.seed,
        plan.session.progress,
        parts=plan.recipe.data.pseudo_classes,
    )
    plan.session.progress.say(f"{len(base.classes)} base classes with {len(base.pixels)} images")
    return base
