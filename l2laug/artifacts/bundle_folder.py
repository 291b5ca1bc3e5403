"""The folder that a bundle grows in: claimed, its settings kept, finished as a whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from l2laug.artifacts.bundle import Bundle, write_info
from l2laug.artifacts.names import CENTROIDS, INFO, LEARNED, METRICS
from l2laug.core.errors import OutputError, UsageError
from l2laug.core.files import write_text

WORK = ".training"
SETTINGS = "settings.json"
WEIGHTS = tuple(
    f"{name}.safetensors" for name in ("strong", "weak", "gems", "critic", "prototype_classifier")
)
FILES = ("features.onnx", CENTROIDS, LEARNED, "sheet.png", METRICS, *WEIGHTS)
CHANGE_FILES = (
    CENTROIDS,
    LEARNED,
    "sheet.png",
    METRICS,
    "strong.safetensors",
    "encoder.safetensors",
)
METHOD_FILES = (  # of a method other than l2l
    "features.onnx",
    CENTROIDS,
    LEARNED,
    "sheet.png",
    METRICS,
    "generator.safetensors",
    "critic.safetensors",
    "prototype_classifier.safetensors",
)


def claim_bundle(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Make room for a bundle and for its unfinished training in a hidden folder.

    Raises:
        OutputError: a bundle is there, or an unfinished one and neither ``resume`` nor
            ``overwrite``; or other files, or it can't be made.
    """
    work = out / WORK
    if (out / INFO).exists() and not overwrite:
        raise OutputError(
            f"A bundle is at {out} already.", "Give --overwrite to replace it, or another -o."
        )
    known = {
        WORK,
        "README.md",
        *FILES,
        *CHANGE_FILES,
        *METHOD_FILES,
    }  # the latter if finishing was cut off
    new = out.is_dir() and not (out / INFO).exists()
    if new and any(p.name not in known for p in out.iterdir()):
        raise OutputError(f"{out} holds other files.", "Choose a new folder with -o.")
    if work.is_dir() and not resume:
        # Settings alone are what a run leaves that failed before it trained: nothing to lose.
        begun = any(p.name != SETTINGS for p in work.iterdir())
        if begun and not overwrite:
            raise OutputError(
                f"A training at {out} was cut off.",
                "Give --resume to go on with it, or --overwrite to start anew.",
            )
        shutil.rmtree(work)
    try:
        work.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{out} can't be made: {error.strerror or error}.", "Choose another place with -o."
        ) from error


def keep_settings(work: Path, settings: dict[str, Any]) -> None:
    """Remember how an unfinished training was begun.

    Raises:
        UsageError: it was begun with other settings.
    """
    path = work / SETTINGS
    text = json.dumps(settings, indent=1, ensure_ascii=False) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") != text:
        raise UsageError(
            f"The training in {work.parent} was begun with another recipe, --seed, --start or "
            "other images.",
            "Use those, or start anew with --overwrite.",
        )
    write_text(path, text)


def finish_bundle(
    out: Path, work: Path, info: dict[str, Any], files: tuple[str, ...] = FILES
) -> Bundle:
    """Move the finished files into place, ``bundle.json`` last: without it there is no bundle.

    Raises:
        OutputError: the folder can't be written; the training's files stay.
    """
    card = out / "README.md"
    if not card.exists() or _is_generated(card, out / INFO):
        write_text(card, _card_text(info))
    (out / INFO).unlink(missing_ok=True)
    for name in files:
        (work / name).replace(out / name)
    bundle = write_info(out, info)
    shutil.rmtree(work)
    return bundle


def _is_generated(card: Path, info: Path) -> bool:
    """Whether nobody has written into a card what an overwritten bundle's card said by itself."""
    if not info.is_file():
        return False
    return card.read_text(encoding="utf-8") == _card_text(json.loads(info.read_text("utf-8")))


def _card_text(info: dict[str, Any]) -> str:
    source = info["source"]
    return (
        f"# {info['name']}\n\n{info['description']}\n\n"
        f"Trained on {source['images']} images of {source['classes']} classes with l2laug "
        f"{info['version']}; {len(source['held_out'])} classes were held out. Recipe and checksums "
        "are in bundle.json, pictures of held-out classes in sheet.png.\n"
    )
