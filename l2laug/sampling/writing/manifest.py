"""Manifests of samples, read and written line by line: they may have millions of lines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from l2laug.core.files import whole_file
from l2laug.sampling.sampler import Drawn, Sampler
from l2laug.sampling.writing.job import Job, begun_as

Entry = dict[str, Any]
METADATA = "metadata.jsonl"  # as Hugging Face's imagefolder reads it
NEEDED = {"file", "class", "seed", "index", "tries", "accepted", "model", "sha256"}  # of an entry
COLUMNS = ("similarity", "tries", "accepted", "support", "seed", "index")  # also of METADATA


def entry_of(
    sampler: Sampler, drawn: Drawn, k: int, size: tuple[int, int], content: bytes
) -> Entry:
    """What a manifest says of draw ``k``, whatever it is written for.

    Args:
        sampler: the model.
        drawn: some draws of it.
        k: which of them.
        size: width and height of its picture.
        content: of its file.
    """
    return {
        "index": drawn.indices[k],
        "tries": int(drawn.tries[k]),
        "accepted": bool(drawn.accepted[k]),
        "similarity": round(float(drawn.similarities[k]), 4),
        "support": sampler.card.support_hashes[drawn.support[k]],
        "size": list(size),
        "model": sampler.digest,
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def read_entries(path: Path) -> Iterator[Entry]:
    """The entries of a manifest, if there is one; a line may be torn."""
    if path.is_file():
        with path.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                with suppress(ValueError, RecursionError):
                    entry = json.loads(line)
                    if isinstance(entry, dict) and set(entry) >= NEEDED:
                        yield entry


def write_entries(path: Path, entries: Iterable[Entry]) -> None:
    """Write a manifest whole or not at all."""
    with whole_file(path) as part, part.open("w", encoding="utf-8") as lines:
        for entry in entries:
            lines.write(line_of(entry))


def line_of(entry: Entry) -> str:
    """An entry as it stands in a manifest."""
    return json.dumps(entry, ensure_ascii=False) + "\n"


def write_metadata(out: Path, manifest: Path) -> None:
    """Write beside a manifest what ``load_dataset("imagefolder", data_dir=out)`` reads.

    It is left out where samples share files, which other loaders read.
    """
    if any("container" in entry for entry in read_entries(manifest)):
        return
    with whole_file(out / METADATA) as part, part.open("w", encoding="utf-8") as lines:
        for entry in read_entries(manifest):
            row = {"file_name": entry["file"], "label": entry["class"]}
            lines.write(line_of(row | {key: entry.get(key) for key in COLUMNS}))


def join_parts(job: Job) -> list[int]:
    """Make one manifest of those of all parts, once all are whole; numbers of those that are not.

    Several machines may do so at once: all of them write the same.
    """
    numbers = range(1, job.options.part.of + 1)
    missing = [n for n in numbers if not _whole(job, n)]
    if missing:
        return [] if holds_all(job) else missing  # others may have joined them just now
    parts = [job.part_manifest(n) for n in numbers]
    others = (entry for entry in read_entries(job.whole) if not job.is_mine(entry))
    mine = (e for path in parts for e in read_entries(path) if job.is_mine(e))
    with suppress(_Gone):
        write_entries(job.whole, chain(others, _all_of(mine, job.count)))
    for path in parts:
        left = [entry for entry in read_entries(path) if not job.is_mine(entry)]
        if left:
            write_entries(path, left)
        else:
            path.unlink(missing_ok=True)
    return []


def holds_all(job: Job) -> bool:
    """Whether the manifest of the whole has every sample of a job."""
    count = 0
    for entry in read_entries(job.whole):
        if job.is_mine(entry):
            if begun_as(entry) != job.begun_as:
                return False
            count += 1
    return count == job.count


class _Gone(Exception):  # noqa: N818 no error: another machine was faster
    """The manifests of parts went away while they were joined."""


def _all_of(entries: Iterable[Entry], count: int) -> Iterator[Entry]:
    """Entries, if there are so many of them."""
    found = 0
    for entry in entries:
        found += 1
        yield entry
    if found != count:
        raise _Gone


def _whole(job: Job, number: int) -> bool:
    """Whether a part has all of its samples."""
    wanted = type(job.options.part)(number, job.options.part.of).indices(job.count, job.block)
    following, path = wanted.start, job.part_manifest(number)
    for entry in read_entries(path):
        if not job.is_mine(entry):
            continue
        file = job.out / str(entry.get("container", entry["file"]))
        same = begun_as(entry) == job.begun_as and entry["index"] == following
        if not same or not file.is_file():
            return False
        following += 1
    return following == wanted.stop and path.is_file()
