"""Score a bundle on the classes it held out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from l2laug import __version__
from l2laug.artifacts.bundle import Bundle, find_bundle
from l2laug.config.load import parse_recipe
from l2laug.config.recipe import Recipe
from l2laug.core.errors import ImageError
from l2laug.core.files import write_text
from l2laug.core.hashing import array_hash, key_of
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import read_classes
from l2laug.data.public_sources import source_folder
from l2laug.evaluation.held_out import BESIDE, score_methods, split_unseen
from l2laug.evaluation.held_out_scores import HeldOutScores, KeptScores
from l2laug.evaluation.methods import build_methods
from l2laug.evaluation.reference_classifier import train_reference_classifier
from l2laug.features.extractor import bundle_extractor
from l2laug.reports.tables import score_table
from l2laug.runtime.device import pick_engine


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
    reference_classifier: bool = False,
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
        seeds: repetitions, with other support images and other latents.
        first: take the first of the held-out classes in place of the last.
        singly: adapt each class on its own, as ``adapt`` does, in place of all in one model.
        reference_classifier: train one of all classes of ``source`` first, on all images but
            the baseline's, and measure with its features in place of the bundle's.
        few_shot: see whether a classifier of the held-out classes gets better by the images.
        out: a folder in it, of these options and images alone, keeps the reference
            classifier, the scores of each seed and ``scores.md``; ``None`` keeps nothing.
        device: ``auto``, ``cpu`` or ``cuda``.
        progress: where to show how far it is.

    Returns:
        By method, a score for each seed.

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
        "reference_classifier": reference_classifier,
        "few_shot": few_shot,
        "files": {name: [file.name for file in files] for name, files in folders.items()},
        "held_out": array_hash(unseen.pixels),
    }
    engine = pick_engine(device)
    folder = out and out / f"{found.name}-{key_of(about)[:12]}"
    if folder is not None:
        write_text(folder / "about.json", json.dumps(about, indent=1, ensure_ascii=False) + "\n")
    classifier = None
    if reference_classifier:
        everything = read_classes(folders, found.size, found.channels)
        new = set(split_unseen(unseen, shots, 0).baseline.paths)
        known = [row for row, path in enumerate(everything.paths) if path not in new]
        keep = folder and folder / "reference-classifier.safetensors"
        classifier = train_reference_classifier(
            everything.take(np.array(known)), engine, progress, keep
        )
    extractor = classifier or bundle_extractor(found)
    results: dict[str, list[HeldOutScores]] = {}
    kept = KeptScores(folder)
    for seed in range(seeds):
        one = kept.find(f"seed-{seed}")
        if one is None:
            split = split_unseen(unseen, shots, seed)
            methods = build_methods(
                split.support, found, resolved, engine, progress, seed, singly=singly
            )
            one = score_methods(
                methods,
                split,
                extractor,
                engine,
                seed=seed,
                reference_classifier=classifier,
                few_shot=few_shot,
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
