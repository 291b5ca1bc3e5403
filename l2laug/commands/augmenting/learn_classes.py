"""Adapt models to the rare classes of a data set, along with its other classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from l2laug.artifacts.bundle import find_bundle
from l2laug.artifacts.names import MODEL
from l2laug.artifacts.run import Run, find_run
from l2laug.commands.adapt import AdaptOptions, adapt
from l2laug.commands.augmenting.hold_out import support_of
from l2laug.commands.augmenting.image_folders import link_classes
from l2laug.config.methods import L2L
from l2laug.core.stages import OutOfTimeError
from l2laug.data.datasets.dataset import Item
from l2laug.runtime.session import Session


@dataclass(frozen=True)
class Learned:
    """What came of learning.

    Attributes:
        runs: of the classes of which something passes.
        notes: what the user should know.
        late: whether time was over before all of them were learned.
    """

    runs: dict[str, Run]
    notes: tuple[str, ...] = ()
    late: bool = False


@dataclass(frozen=True)
class LearnOptions:
    """How classes are learned.

    Attributes:
        place: folder for links and runs.
        names: of the classes' folders.
        bundle: to start from.
        seconds: that one training may take, if that is limited.
    """

    place: Path
    names: Mapping[str, str]
    bundle: str
    seconds: float | None = None


def learn_classes(
    rare: Mapping[str, Sequence[Item]],
    base: Mapping[str, Sequence[Item]],
    options: LearnOptions,
    session: Session,
) -> Learned:
    """Adapt models to some classes along with others; those that were adapted before stay.

    Args:
        rare: images to learn from, by class.
        base: of the classes along with them; those of a single image are left out.
        options: where and how.
        session: engine, progress and seed; time may be over by its progress.

    Raises:
        L2lAugError: what adapting raises.
    """
    place, names = options.place, options.names
    support = {c: support_of(items, session.seed) for c, items in rare.items()}
    folder = link_classes(place / "rare", support, names)
    usable = {c: items for c, items in base.items() if len(items) > 1}
    wanted = usable and learns_along(options.bundle)
    along = link_classes(place / "base", usable, names) if wanted else None
    how = AdaptOptions(
        options.bundle,
        base=along,
        out=place / "runs",
        budget=options.seconds,
        resume=True,
        keep_going=True,
    )
    classes = {names[c]: c for c in rare}
    try:
        found = adapt(folder, how, session)
    except OutOfTimeError:
        done = {c: place / "runs" / name for name, c in classes.items() if len(classes) > 1}
        runs = {c: find_run(run) for c, run in done.items() if (run / MODEL).is_file()}
        return Learned(runs, late=True)
    passed = {classes[one.class_name]: find_run(one.run) for one in found if one.passed}
    return Learned(passed, tuple(dict.fromkeys(note for one in found for note in one.notes)))


def learns_along(bundle: str) -> bool:
    """Whether base classes can be learned along with rare ones; ``auto`` takes bundles that can.

    Args:
        bundle: name or path.

    Raises:
        BundleError: it is missing or damaged.
    """
    return bundle == "auto" or find_bundle(bundle).info["recipe"].get("method", L2L) == L2L
