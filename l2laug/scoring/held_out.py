"""Score a bundle on its held-out classes: phi_s1, phi_s2, phi_t^plain and phi_t in one run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from l2laug import __version__
from l2laug.bundles import Bundle, find_bundle
from l2laug.errors import ImageError
from l2laug.files import write_text
from l2laug.images import ImageSet, class_folders, read_classes
from l2laug.nn.device import Engine, pick_engine
from l2laug.progress import Progress
from l2laug.recipe import Recipe, parse_recipe
from l2laug.scoring.copies import support_distances
from l2laug.scoring.diversity import mean_spread, pairwise
from l2laug.scoring.features import Extractor, Features, bundle_extractor
from l2laug.scoring.few_shot import few_shot_error
from l2laug.scoring.fid import frechet_distance
from l2laug.scoring.held_out_scores import HeldOutScores, KeptScores, score_table
from l2laug.scoring.judge import Judge, told_apart, train_judge
from l2laug.scoring.ledger import array_hash, key_of
from l2laug.scoring.players import Player, line_up
from l2laug.sources import source_folder

FEW_SHOT_DRAWS = 100  # of each class
BESIDE = 4  # images of a class, at least, that are not shown


@dataclass(frozen=True)
class Split:
    """Unseen classes in three parts: what is shown, what is compared with, and the floor."""

    support: ImageSet
    reference: ImageSet
    floor: ImageSet

    def of(self, name: str) -> Split:
        """The parts of one class alone."""
        return Split(self.support.of([name]), self.reference.of([name]), self.floor.of([name]))


def score(
    bundle: str,
    source: Path,
    *,
    recipe: Recipe | None = None,
    classes: int = 100,
    shots: int = 5,
    seeds: int = 3,
    first: bool = False,
    singly: bool = False,
    judge: bool = False,
    few_shot: bool = False,
    out: Path | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> dict[str, list[HeldOutScores]]:
    """Score a bundle on the last of the classes it held out, once for each seed.

    Those with fewer than ``shots`` and :data:`BESIDE` images are left out.
    The first held-out classes are left for choosing settings on, which is what ``first`` is for.
    The same call goes on after a stop, and with more seeds does those alone.

    Args:
        bundle: name or path.
        source: the class folders it was trained from.
        recipe: in place of the bundle's own.
        classes: how many of the held-out classes.
        shots: images of each class that are shown.
        seeds: repetitions, with other images shown and other latents.
        first: take the first of the held-out classes in place of the last.
        singly: adapt each class on its own, as ``adapt`` does, in place of all in one model.
        judge: train a classifier of all classes of ``source`` first, on all images but the floor's,
            and measure with its features in place of the bundle's.
        few_shot: see whether a classifier of the held-out classes gets better by the images.
        out: a folder in it, of these options and images alone, keeps the judge, the scores of each
            seed and ``scores.md``; ``None`` keeps nothing.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: where to show how far it is.

    Returns:
        By player, a score for each seed.

    Raises:
        ImageError: the held-out classes are not there or all too small.
        OutputError: ``out`` can't be written.
    """
    progress = progress or Progress(quiet=True)
    found = find_bundle(bundle)
    resolved = recipe or parse_recipe(found.info["recipe"], f"of bundle {found.name}")
    held_out = [str(n) for n in found.info["source"]["held_out"]]
    root = source_folder(source)
    folders = _with_held_out(class_folders(root, several=True), found, root)
    if missing := [n for n in held_out if n not in folders]:
        raise ImageError(
            f"{source} lacks {len(missing)} classes that the bundle held out ({missing[0]} ...).",
            "Give the class folders that it was trained from.",
        )
    large = [n for n in held_out if len(folders[n]) >= shots + BESIDE]
    if not large:
        raise ImageError(
            f"No held-out class has {shots + BESIDE} images or more.", "Use fewer --shots."
        )
    names = large[:classes] if first else large[-classes:]
    progress.say(f"{len(names)} of {len(held_out)} held-out classes, of {shots + BESIDE} images up")
    unseen = read_classes({n: folders[n] for n in names}, found.size, found.channels)
    about = {
        "version": __version__,
        "bundle": found.digest,
        "recipe": resolved.model_dump(mode="json"),
        "shots": shots,
        "singly": singly,
        "judge": judge,
        "few_shot": few_shot,
        "files": {name: [file.name for file in files] for name, files in folders.items()},
        "held_out": array_hash(unseen.pixels),
    }
    engine = pick_engine(device)
    folder = out and out / f"{found.name}-{key_of(about)[:12]}"
    if folder is not None:
        write_text(folder / "about.json", json.dumps(about, indent=1, ensure_ascii=False) + "\n")
    referee = None
    if judge:
        everything = read_classes(folders, found.size, found.channels)
        new = set(split_unseen(unseen, shots, 0).floor.paths)
        known = [row for row, path in enumerate(everything.paths) if path not in new]
        keep = folder and folder / "judge.safetensors"
        referee = train_judge(everything.take(np.array(known)), engine, progress, keep)
    extractor = referee or bundle_extractor(found)
    results: dict[str, list[HeldOutScores]] = {}
    kept = KeptScores(folder)
    for seed in range(seeds):
        one = kept.find(f"seed-{seed}")
        if one is None:
            split = split_unseen(unseen, shots, seed)
            players = line_up(split.support, found, resolved, engine, progress, seed, singly=singly)
            one = score_players(
                players, split, extractor, engine, seed=seed, judge=referee, few_shot=few_shot
            )
            kept.keep(f"seed-{seed}", one)
        for name, value in one.items():
            results.setdefault(name, []).append(value)
        progress.say(f"seed {seed} of {seeds} done; so far:\n{score_table(results)}")
    if folder is not None:
        write_text(folder / "scores.md", score_table(results) + "\n")
        progress.say(f"scores kept in {folder}")
    return results


def _with_held_out(
    folders: dict[str, list[Path]], bundle: Bundle, root: Path
) -> dict[str, list[Path]]:
    """The class folders and, of a bundle whose classes are parts of them, those it held out."""
    parts: dict[str, list[str]] = bundle.info["source"].get("held_out_images", {})
    if not parts:
        return folders
    there = {file for files in folders.values() for file in files}
    held_out = {
        name: [root / file for file in files if root / file in there]
        for name, files in parts.items()
    }
    taken = {file for files in held_out.values() for file in files}
    left = {name: [f for f in files if f not in taken] for name, files in folders.items()}
    return {name: files for name, files in (left | held_out).items() if files}


def split_unseen(unseen: ImageSet, shots: int, seed: int) -> Split:
    """For each class ``shots`` images to show, and two halves of the rest.

    The floor is the same whatever the seed, so that one judge can leave it out of what it learns.
    """
    random, same = np.random.default_rng(seed), np.random.default_rng(0)
    parts: list[list[NDArray[np.int64]]] = [[], [], []]
    for label in range(len(unseen.classes)):
        rows = same.permutation(np.flatnonzero(unseen.labels == label))
        half = (len(rows) - shots) // 2
        others = random.permutation(rows[half:])
        parts[0].append(others[:shots])
        parts[1].append(others[shots:])
        parts[2].append(rows[:half])
    support, reference, floor = (unseen.take(np.concatenate(p)) for p in parts)
    return Split(support, reference, floor)


def score_players(
    players: Mapping[str, Player],
    split: Split,
    extractor: Extractor | Judge,
    engine: Engine,
    *,
    seed: int = 0,
    judge: Judge | None = None,
    few_shot: bool = False,
) -> dict[str, HeldOutScores]:
    """Score players on classes that source training never saw, beside real images of them.

    Every player draws as many images of each class as the floor has real ones, so that the numbers
    compare; for ``few_shot`` so many more that a classifier can learn from them.
    """
    many = np.repeat(np.arange(len(split.support.classes)), FEW_SHOT_DRAWS)
    test = split.reference
    sets = {"real (floor)": split.floor}
    more: dict[str, ImageSet] = {"real (floor)": split.floor}
    for name, player in players.items():
        sets[name] = player.draw(split.support, split.floor.labels, engine, seed)
        if few_shot:
            more[name] = player.draw(split.support, many, engine, seed + 1)
    scores = {name: score_set(images, split, extractor) for name, images in sets.items()}
    if judge is not None:
        for name, images in sets.items():
            scores[name] = replace(
                scores[name],
                recognised=judge.recognised(images),
                told_apart=told_apart(test, images, engine, seed),
            )
    if few_shot:
        alone = few_shot_error(split.support, None, test, engine, seed)
        for name, images in more.items():
            error = few_shot_error(split.support, images, test, engine, seed)
            scores[name] = replace(scores[name], error=error, error_ratio=error / max(alone, 1e-9))
    return scores


def score_set(images: ImageSet, split: Split, extractor: Extractor | Judge) -> HeldOutScores:
    """Score real or drawn images of the held-out classes against the reference."""
    ours, theirs = extractor(images.pixels), extractor(split.reference.pixels)
    means = _means(theirs, split.reference)
    shown = _means(extractor(split.support.pixels), split.support)
    return HeldOutScores(
        fid=frechet_distance(theirs, ours),
        fid_centred=frechet_distance(theirs, _moved(ours, images.labels, means)),
        fid_as_shown=frechet_distance(theirs, _moved(ours, images.labels, shown)),
        spread=mean_spread(ours, images.labels),
        own_class=float((pairwise(ours, means).argmin(1) == images.labels).mean()),
        copies=_copies(images, split),
    )


def _means(features: Features, images: ImageSet) -> Features:
    return np.stack([features[images.labels == c].mean(0) for c in range(len(images.classes))])


def _moved(features: Features, labels: NDArray[np.int64], means: Features) -> Features:
    """Features whose mean over each class is moved onto that of ``means``."""
    moved = features.copy()
    for label in np.unique(labels):
        moved[labels == label] += means[label] - features[labels == label].mean(0)
    return moved


def _copies(images: ImageSet, split: Split) -> float:
    """The share nearer to a support image than 99 of 100 real images are, 0.01 for real ones.

    Distances are divided by the class's median over real images, so that one yardstick serves all.
    """
    ours, theirs = (np.empty(len(part.pixels)) for part in (images, split.reference))
    for label in range(len(split.support.classes)):
        support = split.support.pixels[split.support.labels == label]
        mine, real = images.labels == label, split.reference.labels == label
        apart = support_distances(split.reference.pixels[real], support)
        theirs[real] = apart / np.median(apart)
        if mine.any():
            ours[mine] = support_distances(images.pixels[mine], support) / np.median(apart)
    return float((ours < np.percentile(theirs, 1)).mean())
