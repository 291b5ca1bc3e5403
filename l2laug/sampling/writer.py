"""Write drawn images as class folders, with a manifest beside them."""

from __future__ import annotations

import hashlib
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
from l2laug.core.errors import OutputError
from l2laug.core.files import is_empty, unwritable, whole_file, write_text
from l2laug.core.hashing import file_hash
from l2laug.core.progress import Progress
from l2laug.sampling.render import PictureOptions, encode, render, suffix_of
from l2laug.sampling.sampler import Drawn, Sampler

PICTURE = re.compile(r"\d{6,}\.(png|jpg|webp|tif)")
NEEDED = {"file", "class", "seed", "index", "tries", "accepted", "model", "sha256"}  # of an entry


@dataclass(frozen=True)
class Written:
    """What one class's samples came to.

    Attributes:
        folder: where they are.
        class_name: their class.
        count: how many.
        rejected: draws below the acceptance threshold, drawn anew.
        never_accepted: images of which every try was; the best of them is written.
        side: of the squares they are, in pixels; None where each has the size of its original.
    """

    folder: Path
    class_name: str
    count: int
    rejected: int
    never_accepted: int
    side: int | None


def write_samples(
    sampler: Sampler,
    count: int,
    out: Path,
    seed: int,
    progress: Progress,
    *,
    pictures: PictureOptions | None = None,
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
        pictures: size and format; each at the size of its original, as PNG, by default.
        resume: keep the pictures of the class that an earlier call with this seed left there.
        overwrite: remove them first.

    Raises:
        OutputError: a file can't be written; those before it stay. There are other files than
            samples, or samples of the class already. Or what is to be resumed was begun otherwise.
        UsageError: the format can't hold what the originals are.
    """
    card, pictures = sampler.card, pictures or PictureOptions()
    _check_format(sampler, pictures)
    wanted = _Wanted(count, seed, pictures)
    entries = _claim_class(sampler, wanted, out, resume=resume, overwrite=overwrite)
    kept, new = len(entries), sampler.draw(count - len(entries), seed, len(entries))
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (
            (out / MANIFEST).open("a", encoding="utf-8") as lines,
            progress.task(f"drawing {card.class_name}", count, kept) as advance,
        ):
            for drawn, files in _encoded(sampler, new, pictures):
                for k, file in enumerate(files):
                    entry = _write(out, sampler, drawn, k, file.result())
                    entries.append(entry | {"seed": seed, "asked": wanted.pictures})
                    lines.write(json.dumps(entries[-1], ensure_ascii=False) + "\n")
                lines.flush()
                advance(len(drawn.indices))
    except OSError as error:
        raise unwritable(out / MANIFEST, error) from error
    native = sampler.tells_changes and sampler.original(0) is not None
    return Written(
        out / card.class_name,
        card.class_name,
        count,
        rejected=sum(int(entry["tries"]) - bool(entry["accepted"]) for entry in entries),
        never_accepted=sum(not entry["accepted"] for entry in entries),
        side=pictures.size or (None if native else card.size),
    )


class _Wanted:
    """What samples are asked for; samples of another seed, size or format are others."""

    def __init__(self, count: int, seed: int, pictures: PictureOptions) -> None:
        self.count, self.seed = count, seed
        self.pictures = f"{pictures.size or 'native'} {pictures.format}"


@dataclass(frozen=True)
class _File:
    """A picture as it goes to disk."""

    content: bytes
    suffix: str
    size: tuple[int, int]


def _check_format(sampler: Sampler, pictures: PictureOptions) -> None:
    """Make sure, before any work, that the format can hold every original."""
    for row in range(len(sampler.card.support_hashes)):
        original = sampler.original(row)
        if original is not None and sampler.tells_changes and pictures.size != sampler.card.size:
            suffix_of(original, pictures)


def _write(out: Path, sampler: Sampler, drawn: Drawn, k: int, file: _File) -> dict[str, Any]:
    """Write one picture; what the manifest says of it."""
    index, name = drawn.indices[k], sampler.card.class_name
    path = f"{name}/{index:06d}.{file.suffix}"
    with whole_file(out / path) as part:
        part.write_bytes(file.content)
    return {
        "file": path,
        "class": name,
        "index": index,
        "tries": int(drawn.tries[k]),
        "accepted": bool(drawn.accepted[k]),
        "similarity": round(float(drawn.similarities[k]), 4),
        "support": sampler.card.support_hashes[drawn.support[k]],
        "size": list(file.size),
        "model": sampler.digest,
        "sha256": hashlib.sha256(file.content).hexdigest(),
    }


def _encoded(
    sampler: Sampler, draws: Iterator[Drawn], pictures: PictureOptions
) -> Iterator[tuple[Drawn, list[Future[_File]]]]:
    """Files of what is drawn; some are made on other threads while the next ones are drawn."""

    def make(drawn: Drawn, k: int) -> _File:
        picture = render(sampler, drawn, k, pictures.size)
        return _File(encode(picture, pictures), suffix_of(picture, pictures), picture.size)

    with ThreadPoolExecutor() as pool:
        before: tuple[Drawn, list[Future[_File]]] | None = None
        for drawn in draws:
            found = drawn, [pool.submit(make, drawn, k) for k in range(len(drawn.indices))]
            if before:
                yield before
            before = found
        if before:
            yield before


def _claim_class(
    sampler: Sampler, wanted: _Wanted, out: Path, *, resume: bool, overwrite: bool
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
    pictures = [p for p in (out / name).glob("*.*") if PICTURE.fullmatch(p.name)]
    if resume:
        entries = _finished(mine, sampler, wanted, out)
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
    mine: list[dict[str, Any]], sampler: Sampler, wanted: _Wanted, out: Path
) -> list[dict[str, Any]]:
    """The entries of the pictures that are there, up to the first that is not."""
    entries: list[dict[str, Any]] = []
    asked = (wanted.seed, sampler.digest, wanted.pictures)
    for entry in mine:
        if (entry["seed"], entry["model"], entry.get("asked")) != asked:
            raise OutputError(
                f"The samples in {out} are of another model, seed, size or format.",
                "Give --overwrite in place of --resume, or another place with -o.",
            )
        picture = out / sampler.card.class_name / Path(str(entry["file"])).name
        if entry["index"] != len(entries) or not picture.is_file():
            break
        if entry["sha256"] != file_hash(picture):
            break
        entries.append(entry)
    if len(entries) > wanted.count:
        raise OutputError(
            f"{out} holds {len(entries)} samples already, more than -n {wanted.count}.",
            "Ask for as many or more, or give --overwrite in place of --resume.",
        )
    return entries
