"""Write drawn images as class folders, with a manifest beside them."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from l2laug.errors import OutputError
from l2laug.files import whole_file
from l2laug.images import to_picture
from l2laug.progress import Progress
from l2laug.sampling import Sampler

MANIFEST = "manifest.jsonl"


@dataclass(frozen=True)
class Written:
    """What one class's samples came to.

    Attributes:
        folder: where they are.
        class_name: their class.
        count: how many.
        refused: draws that were too little like their class, and drawn anew.
    """

    folder: Path
    class_name: str
    count: int
    refused: int


def claim(folder: Path, *, overwrite: bool, option: str = "-o") -> None:
    """Make sure that an output folder may be written to.

    With ``overwrite`` what is in it is removed.

    Raises:
        OutputError: it holds something already, or can't be made.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            if not overwrite:
                raise OutputError(
                    f"{folder} exists already.",
                    f"Give --overwrite to replace it, or another place with {option}.",
                )
            if folder.is_dir():
                shutil.rmtree(folder)
            else:
                folder.unlink()
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} can't be made: {error.strerror or error}.",
            f"Choose another place with {option}.",
        ) from error


def write_samples(
    sampler: Sampler, count: int, out: Path, seed: int, progress: Progress
) -> Written:
    """Draw ``count`` images and write ``out/<class>/000000.png ...`` and add to the manifest.

    Each picture appears whole or not at all, its line of the manifest after it.

    Raises:
        OutputError: a file can't be written; those before it stay.
    """
    card = sampler.card
    folder = out / card.class_name
    refused = 0
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (
            (out / MANIFEST).open("a", encoding="utf-8") as lines,
            progress.task(f"drawing {card.class_name}", count) as advance,
        ):
            for drawn in sampler.draw(count, seed):
                columns = (drawn.indices, drawn.support, drawn.tries, drawn.pixels)
                for i, row, number, image in zip(*columns, strict=True):
                    path = folder / f"{i:06d}.png"
                    with whole_file(path) as picture:
                        to_picture(image).save(picture, "PNG")
                    entry = {
                        "file": f"{card.class_name}/{path.name}",
                        "class": card.class_name,
                        "seed": seed,
                        "index": i,
                        "try": int(number),
                        "support": card.support_hashes[row],
                        "model": sampler.digest,
                    }
                    lines.write(json.dumps(entry, ensure_ascii=False) + "\n")
                lines.flush()
                refused += int(drawn.tries.sum())
                advance(len(drawn.indices))
    except OSError as error:
        raise OutputError(
            f"{out / MANIFEST} can't be written: {error.strerror or error}.",
            "Choose another place with -o, or free some space.",
        ) from error
    return Written(folder, card.class_name, count, refused)
