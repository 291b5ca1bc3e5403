"""Write drawn images as class folders, with a manifest beside them."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2laug.artifacts.names import MANIFEST
from l2laug.artifacts.output_folders import holds_samples
from l2laug.core.arrays import Pixels
from l2laug.core.errors import OutputError
from l2laug.core.files import is_empty, unwritable, whole_file, write_text
from l2laug.core.hashing import file_hash
from l2laug.core.progress import Progress
from l2laug.data.image_io import to_picture
from l2laug.sampling.sampler import Drawn, Sampler

PICTURE = re.compile(r"\d{6,}\.png")
NEEDED = {"class", "seed", "index", "try", "model", "sha256"}  # of an entry
LEVEL = 3  # of zlib, of 9: at 32x32 five times as fast as Pillow's 6, for files a tenth larger


@dataclass(frozen=True)
class Written:
    """What one class's samples came to.

    Attributes:
        folder: where they are.
        class_name: their class.
        count: how many.
        rejected: draws that were too little like their class, and drawn anew.
    """

    folder: Path
    class_name: str
    count: int
    rejected: int


def write_samples(
    sampler: Sampler,
    count: int,
    out: Path,
    seed: int,
    progress: Progress,
    *,
    resume: bool = False,
    overwrite: bool = False,
) -> Written:
    """Draw ``count`` images and write ``out/<class>/000000.png ...`` and add to the manifest.

    Each picture appears whole or not at all, its line of the manifest after it. Samples of other
    classes in the folder stay as they are.

    Args:
        sampler: the adapted model.
        count: how many images there shall be.
        out: the folder.
        seed: of the images.
        progress: where to show how far it is.
        resume: keep the pictures of the class that an earlier call with this seed left there.
        overwrite: remove them first.

    Raises:
        OutputError: a file can't be written; those before it stay. There are other files than
            samples, or samples of the class already. Or what is to be resumed was begun otherwise.
    """
    card = sampler.card
    entries = _claim_class(sampler, count, out, seed, resume=resume, overwrite=overwrite)
    kept, rejected = len(entries), sum(int(entry["try"]) for entry in entries)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (
            (out / MANIFEST).open("a", encoding="utf-8") as lines,
            progress.task(f"drawing {card.class_name}", count, kept) as advance,
        ):
            for drawn, pictures in _pictures(sampler.draw(count - kept, seed, kept)):
                columns = (drawn.indices, drawn.support, drawn.tries, pictures)
                for i, row, number, picture in zip(*columns, strict=True):
                    content = picture.result()
                    name = f"{card.class_name}/{i:06d}.png"
                    with whole_file(out / name) as part:
                        part.write_bytes(content)
                    entry = {
                        "file": name,
                        "class": card.class_name,
                        "seed": seed,
                        "index": i,
                        "try": int(number),
                        "support": card.support_hashes[row],
                        "model": sampler.digest,
                        "sha256": hashlib.sha256(content).hexdigest(),
                    }
                    lines.write(json.dumps(entry, ensure_ascii=False) + "\n")
                lines.flush()
                rejected += int(drawn.tries.sum())
                advance(len(drawn.indices))
    except OSError as error:
        raise unwritable(out / MANIFEST, error) from error
    return Written(out / card.class_name, card.class_name, count, rejected)


def _pictures(draws: Iterator[Drawn]) -> Iterator[tuple[Drawn, list[Future[bytes]]]]:
    """PNG files of what is drawn; some are compressed while the next ones are drawn."""
    with ThreadPoolExecutor() as pool:
        before: tuple[Drawn, list[Future[bytes]]] | None = None
        for drawn in draws:
            found = drawn, [pool.submit(_png, image) for image in drawn.pixels]
            if before:
                yield before
            before = found
        if before:
            yield before


def _png(image: Pixels) -> bytes:
    buffer = io.BytesIO()
    to_picture(image).save(buffer, "PNG", compress_level=LEVEL)
    return buffer.getvalue()


def _claim_class(
    sampler: Sampler, count: int, out: Path, seed: int, *, resume: bool, overwrite: bool
) -> list[dict[str, Any]]:
    """Make room for samples of a class; the manifest's entries of those that stay.

    The manifest ends with them afterwards.
    """
    name = sampler.card.class_name
    if out.exists() and not (out.is_dir() and (is_empty(out) or holds_samples(out))):
        raise OutputError(
            f"{out} exists already, and holds other things than samples.",
            "Choose another place with -o.",
        )
    there, entries = _entries(out), list[dict[str, Any]]()
    mine = [entry for entry in there if entry["class"] == name]
    pictures = [p for p in (out / name).glob("*.png") if PICTURE.fullmatch(p.name)]
    if resume:
        entries = _finished(mine, sampler, count, out, seed)
    elif (mine or pictures) and not overwrite:
        raise OutputError(
            f"Samples of {name} in {out} exist already.",
            "Give --overwrite to replace them, --resume to draw more, or another place with -o.",
        )
    elif overwrite:
        for picture in pictures:
            picture.unlink()
    if (out / MANIFEST).is_file():
        left = [entry for entry in there if entry["class"] != name] + entries
        lines = [json.dumps(entry, ensure_ascii=False) + "\n" for entry in left]
        write_text(out / MANIFEST, "".join(lines))
    return entries


def _entries(out: Path) -> list[dict[str, Any]]:
    """The manifest's entries; a line may be torn."""
    path, entries = out / MANIFEST, []
    if path.is_file():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(ValueError):
                entry = json.loads(line)
                if isinstance(entry, dict) and set(entry) >= NEEDED:
                    entries.append(entry)
    return entries


def _finished(
    mine: list[dict[str, Any]], sampler: Sampler, count: int, out: Path, seed: int
) -> list[dict[str, Any]]:
    """The entries of the pictures that are there, up to the first that is not."""
    entries: list[dict[str, Any]] = []
    for entry in mine:
        if (entry["seed"], entry["model"]) != (seed, sampler.digest):
            raise OutputError(
                f"The samples in {out} are of another model or seed.",
                "Give --overwrite in place of --resume, or another place with -o.",
            )
        picture = out / sampler.card.class_name / f"{len(entries):06d}.png"
        if entry["index"] != len(entries) or not picture.is_file():
            break
        if entry["sha256"] != file_hash(picture):
            break
        entries.append(entry)
    if len(entries) > count:
        raise OutputError(
            f"{out} holds {len(entries)} samples already, more than -n {count}.",
            "Ask for as many or more, or give --overwrite in place of --resume.",
        )
    return entries
