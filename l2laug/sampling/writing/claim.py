"""Make room for samples, or find those that an earlier call left to be gone on with."""

from __future__ import annotations

import re
from itertools import chain, groupby, islice
from pathlib import Path

from l2laug.artifacts.output_folders import holds_samples
from l2laug.core.errors import OutputError
from l2laug.core.files import is_empty
from l2laug.core.hashing import file_hash
from l2laug.sampling.writing.job import NUMBER, Job, begun_as
from l2laug.sampling.writing.manifest import METADATA, Entry, read_entries, write_entries


def claim_class(job: Job, *, resume: bool, overwrite: bool) -> int:
    """Make room for the samples of a job; how many of them stay, from its first on.

    The job's manifest ends with their entries afterwards.

    Raises:
        OutputError: the folder holds other things than samples, or samples of the class already,
            or what is to be resumed was begun otherwise.
    """
    out = job.out
    check_folder(job)
    _check_parts(job)
    _remove_torn(job)
    mine = any(job.is_mine(entry) for entry in read_entries(job.manifest))
    kept = 0
    if resume:
        kept = _finished(job)
    elif overwrite:
        _remove_masks(job, job.manifest)
        _remove_files(job)
    elif mine or next(job.files_there(), None) or _has_masks(job):
        raise _taken(job)
    if out.is_dir():  # what it says is of other samples than those that will be there
        (out / METADATA).unlink(missing_ok=True)
    if job.manifest.is_file():
        others = (entry for entry in read_entries(job.manifest) if not job.is_mine(entry))
        staying = (entry for entry in read_entries(job.manifest) if job.is_mine(entry))
        write_entries(job.manifest, chain(others, islice(staying, kept)))
    return kept


def _remove_torn(job: Job) -> None:
    """Remove what a killed process had not finished; no other one is writing these files."""
    name = re.compile(rf"\.(?:{re.escape(job.class_name)}-)?{NUMBER}\D.*")
    for folder in (job.out, job.out / job.class_name, job.masks_out / job.class_name):
        for path in folder.glob(".*.part"):
            found = name.fullmatch(path.name)
            mine = found is not None and int(found[1]) * job.block in job.indices
            if path.is_file() and (mine or not job.in_parts):
                path.unlink(missing_ok=True)


def clear_class(job: Job, *, resume: bool, overwrite: bool) -> None:
    """Make room for all parts of a job, however many parts what is there was drawn in.

    Raises:
        OutputError: the folder holds other things than samples, or samples of the class already.
    """
    check_folder(job)
    manifests = [job.whole, *_part_manifests(job.out)]
    mine = any(job.is_mine(entry) for path in manifests for entry in read_entries(path))
    if resume or not (mine or next(job.files_there(), None)):
        return
    if not overwrite:
        raise _taken(job)
    _remove_files(job)
    for path in manifests:
        _remove_masks(job, path)
        if path.is_file():
            left = (entry for entry in read_entries(path) if not job.is_mine(entry))
            write_entries(path, left)
            if path != job.whole and not path.stat().st_size:
                path.unlink()


def _has_masks(job: Job) -> bool:
    """Whether there are files where masks of the class would go; parts of one job share it."""
    there = job.masks_out / job.class_name
    wanted = job.options.masks is not None and not job.in_parts
    return wanted and any(path.is_file() for path in there.rglob("*"))


def _remove_files(job: Job) -> None:
    """Remove what lies there; a folder that files go from while it is read may skip some."""
    while next(job.files_there(), None):
        for path in job.files_there():
            path.unlink()


def _remove_masks(job: Job, manifest: Path) -> None:
    """Remove the masks of a class that a manifest names."""
    place = (job.masks_out / job.class_name).resolve()
    for entry in read_entries(manifest):
        if job.is_mine(entry):
            for name in entry.get("masks", []):
                path = (job.masks_out / str(name)).resolve()
                if path.is_relative_to(place):
                    path.unlink(missing_ok=True)


def check_folder(job: Job) -> None:
    """Make sure that the folder holds samples, or nothing.

    Raises:
        OutputError: it does not.
    """
    out = job.out
    if out.exists() and not (out.is_dir() and (is_empty(out) or holds_samples(out))):
        raise OutputError(
            f"{out} exists already, and holds other things than samples.",
            "Choose another place with -o.",
        )


def _taken(job: Job) -> OutputError:
    return OutputError(
        f"Samples of {job.class_name} in {job.out} exist already.",
        "Give --overwrite to replace them, --resume to draw more, or another place with -o.",
    )


def _check_parts(job: Job) -> None:
    """Make sure that the class is drawn whole, or in one number of parts."""
    others = [path for path in _part_manifests(job.out) if not _is_part_of(path, job)]
    if job.in_parts:
        others.append(job.whole)
    for path in others:
        if any(job.is_mine(entry) for entry in read_entries(path)):
            how = "in another number of parts" if path != job.whole else "already"
            raise OutputError(
                f"Samples of {job.class_name} were drawn into {job.out} {how}, see {path.name}.",
                "Choose another place with -o.",
            )


def _part_manifests(out: Path) -> list[Path]:
    return sorted(out.glob("manifest-*-of-*.jsonl"))


def _is_part_of(path: Path, job: Job) -> bool:
    return job.in_parts and path.name.endswith(f"-of-{job.options.part.of:05d}.jsonl")


def _finished(job: Job) -> int:
    """How many samples of a job are there, up to the first file that is not as it was."""
    indices, kept, total = job.indices, 0, 0
    entries = (entry for entry in read_entries(job.manifest) if job.is_mine(entry))
    whole = True
    for file, group in groupby(entries, lambda e: str(e.get("container", e["file"]))):
        mine = list(group)
        total += len(mine)
        if any(begun_as(entry) != job.begun_as for entry in mine):
            raise OutputError(
                f"The samples in {job.out} are of another model, seed, size, format or precision.",
                "Give --overwrite in place of --resume, or another place with -o.",
            )
        if whole and total <= len(indices):
            wanted = job.block_of(indices.start + kept)
            in_order = [entry["index"] for entry in mine] == list(wanted)
            whole = in_order and _as_written(job, file, mine)
            kept += len(mine) if whole else 0
    if total > len(indices):
        raise OutputError(
            f"{job.out} holds {total} samples already, more than -n {job.count}.",
            "Ask for as many or more, or give --overwrite in place of --resume.",
        )
    return kept


def _as_written(job: Job, file: str, entries: list[Entry]) -> bool:
    """Whether the file of some entries is as it was when they were written."""
    name = Path(file).name  # the manifest may name any place
    shared = "container" in entries[0]
    path = job.out / name if shared else job.out / job.class_name / name
    wanted = entries[0].get("container_sha256") if shared else entries[0]["sha256"]
    masks = [] if shared else entries[0].get("masks", [])
    if not all((job.masks_out / str(mask)).is_file() for mask in masks):
        return False
    return path.is_file() and file_hash(path) == wanted
