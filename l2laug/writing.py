"""Write drawn images as class folders, with a manifest beside them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2laug.errors import OutputError
from l2laug.files import clear, file_hash, is_empty, unwritable, whole_file, write_text
from l2laug.images import Pixels, to_picture
from l2laug.progress import Progress
from l2laug.sampling import Drawn, Sampler

MANIFEST = "manifest.jsonl"
LEVEL = 3  # of zlib, of 9: at 32x32 five times as fast as Pillow's 6, for files a tenth larger


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


def check_free(
    folders: Iterable[Path], *, overwrite: bool, keep: Iterable[Path] = (), option: str = "-o"
) -> None:
    """Make sure that output folders may be written to, before any work.

    Args:
        folders: the folders; they may be there if they are empty.
        overwrite: what is in them may be removed.
        keep: what is read from; never to be removed.
        option: that names the folder.

    Raises:
        OutputError: some hold something already; each is named. Or removing what is in one of them
            would remove an input or the current folder.
    """
    taken = [f for f in folders if f.exists() and (not f.is_dir() or not is_empty(f))]
    if taken and not overwrite:
        named = ", ".join(map(str, taken))
        raise OutputError(
            f"{named} {'exists' if len(taken) == 1 else 'exist'} already.",
            f"Give --overwrite to replace it, or another place with {option}.",
        )
    for folder in taken:
        for path in (Path.cwd(), *keep):
            if path.resolve().is_relative_to(folder.resolve()):
                raise OutputError(
                    f"--overwrite would empty {folder}, and {path} with it.",
                    f"Choose another place with {option}.",
                )


def claim(folder: Path, *, overwrite: bool, keep: Iterable[Path] = (), option: str = "-o") -> None:
    """Make sure that an output folder may be written to, and make it.

    With ``overwrite`` what is in it is removed, unless something of ``keep`` is.

    Raises:
        OutputError: it holds something already, or can't be made.
    """
    try:
        check_free([folder], overwrite=overwrite, keep=keep, option=option)
        if folder.is_dir():
            clear(folder)
        elif folder.is_file():
            folder.unlink()
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} can't be made: {error.strerror or error}.",
            f"Choose another place with {option}.",
        ) from error


def write_samples(
    sampler: Sampler, count: int, out: Path, seed: int, progress: Progress, *, resume: bool = False
) -> Written:
    """Draw ``count`` images and write ``out/<class>/000000.png ...`` and add to the manifest.

    Each picture appears whole or not at all, its line of the manifest after it.

    Args:
        sampler: the adapted model.
        count: how many images there shall be.
        out: the folder.
        seed: of the images.
        progress: where to show how far it is.
        resume: keep the pictures that an earlier call with this seed left there.

    Raises:
        OutputError: a file can't be written; those before it stay. Or what is to be resumed was
            begun otherwise.
    """
    card = sampler.card
    entries = _finished(sampler, count, out, seed) if resume else []
    kept, refused = len(entries), sum(int(entry["try"]) for entry in entries)
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
                refused += int(drawn.tries.sum())
                advance(len(drawn.indices))
    except OSError as error:
        raise unwritable(out / MANIFEST, error) from error
    return Written(out / card.class_name, card.class_name, count, refused)


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


def _finished(sampler: Sampler, count: int, out: Path, seed: int) -> list[dict[str, Any]]:
    """The manifest's entries of the pictures that are there, up to the first that is not.

    The manifest ends with them afterwards.
    """
    path = out / MANIFEST
    if not path.is_file():
        check_free([out], overwrite=False)
        return []
    entries: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            entry = json.loads(line)
            begun = (entry["class"], entry["seed"], entry["model"])
            if begun != (sampler.card.class_name, seed, sampler.digest):
                raise OutputError(
                    f"The samples in {out} are of another model or seed.",
                    "Give --overwrite in place of --resume, or another place with -o.",
                )
            picture = out / sampler.card.class_name / f"{len(entries):06d}.png"
            if entry["index"] != len(entries) or entry["sha256"] != file_hash(picture):
                break
        except (ValueError, KeyError, TypeError, OSError):
            break  # the last line may be torn, a picture may have gone
        entries.append(entry)
    if len(entries) > count:
        raise OutputError(
            f"{out} holds {len(entries)} samples already, more than -n {count}.",
            "Ask for as many or more, or give --overwrite in place of --resume.",
        )
    write_text(path, "".join(json.dumps(e, ensure_ascii=False) + "\n" for e in entries))
    return entries
