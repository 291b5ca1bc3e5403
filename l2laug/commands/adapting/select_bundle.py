"""Which bundle to grow rare classes from: the nearest, or one trained on the user's own classes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from l2laug.artifacts.bundle import Bundle, find_bundle, list_bundles, open_bundle
from l2laug.artifacts.names import INFO
from l2laug.commands.pretrain import PretrainOptions, pretrain
from l2laug.config.recipe import Recipe
from l2laug.core.errors import BundleError
from l2laug.data.base_classes import source_classes
from l2laug.data.image_set import read_classes
from l2laug.evaluation.bundles.domain_distance import GENERAL, distances_to, limit_of
from l2laug.features.general import SIDE, load_general_net
from l2laug.runtime.session import Session

HOME = Path("l2laug-bundles")
Files = Mapping[str, Sequence[Path]]


@dataclass(frozen=True)
class Choice:
    """A bundle and how far the rare images are from every bundle that was looked at.

    Attributes:
        bundle: the nearest.
        distances: by bundle, the nearest first; 1 is as far as its own unseen classes are.
    """

    bundle: Bundle
    distances: dict[str, float]

    def describe(self) -> str:
        """In words, for the log."""
        if not self.distances:
            return f"bundle {self.bundle.name}"
        each = ", ".join(f"{name} {distance:.1f}" for name, distance in self.distances.items())
        return f"distance to bundles: {each} (1: like a bundle's own unseen classes)"


def nearest_bundle(classes: Files) -> Choice:
    """The bundle whose source is nearest to the rare images, by the general net.

    It looks at the shipped bundles and at those that ``--source`` left in the current folder. Where
    the images are far from all of them, the general bundle is taken if it is there.

    Raises:
        BundleError: there is none, or the nearest is damaged.
        ImageError: no image can be read.
    """
    bundles = {b.name: b for b in list_bundles()}
    own = sorted(p.parent for p in HOME.glob(f"*/{INFO}"))
    for path in own:
        with suppress(BundleError):  # an old or damaged one must not stand in the others' way
            bundles[str(path)] = open_bundle(path)
    if not bundles:
        raise BundleError("No bundle is installed.", "Make one with l2laug pretrain.")
    files = {c: list(paths) for c, paths in classes.items()}
    images = read_classes(files, SIDE, 3)
    by_path = distances_to(list(bundles.values()), images.pixels, load_general_net())
    found = {name: by_path[str(bundle.path)] for name, bundle in bundles.items()}
    order = sorted(found, key=lambda name: found[name])
    near = [n for n in order if n != GENERAL and found[n] <= limit_of(bundles[n])]
    chosen = near[0] if near else GENERAL if GENERAL in bundles else order[0]
    nearest = find_bundle(str(bundles[chosen].path))
    return Choice(nearest, {name: found[name] for name in order})


def own_bundle(source: Path, rare: Path, recipe: Recipe, session: Session) -> Bundle:
    """A bundle trained on the user's own classes, kept in ``l2laug-bundles`` for next time.

    A training that was cut off is gone on with. The folder's name ends in a hash of the recipe, the
    seed and the files' names and sizes, so that any other of these makes another bundle.

    Raises:
        ImageError: there are too few classes or images.
        OutputError: the folder can't be written.
    """
    digest = hashlib.sha256(f"{recipe.model_dump_json()} seed {session.seed}\n".encode())
    for name, files in sorted(source_classes(source, rare).items()):
        for path in files:
            digest.update(f"{name}/{path.name} {path.stat().st_size}\n".encode())
    place = HOME / f"{source.resolve().name}-{digest.hexdigest()[:8]}"
    if (place / INFO).is_file():
        session.progress.say(f"bundle {place} was trained on {source} before")
        return find_bundle(str(place))
    session.progress.say(
        f"training bundle {place} on {source}; the same command goes on after a stop"
    )
    options = PretrainOptions(recipe, resume=True, leave_out=rare)
    return pretrain(source, place, options, session).bundle
