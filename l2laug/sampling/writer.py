"""Write drawn images as class folders, tar shards or Parquet, with a manifest beside them."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path

from l2laug.artifacts.names import MANIFEST
from l2laug.core.files import own_folder, unwritable, whole_file
from l2laug.core.hashing import file_hash
from l2laug.core.locks import alone_at
from l2laug.core.progress import Progress
from l2laug.sampling.precision.choice import FP32
from l2laug.sampling.render import PictureOptions, encode, render, suffix_of
from l2laug.sampling.sampler import Drawn, Sampler
from l2laug.sampling.session import BATCH
from l2laug.sampling.writing.claim import check_folder, claim_class
from l2laug.sampling.writing.containers import open_container
from l2laug.sampling.writing.job import Job, OutputOptions
from l2laug.sampling.writing.manifest import (
    Entry,
    entry_of,
    holds_all,
    join_parts,
    line_of,
    read_entries,
    write_metadata,
)

WAITING = 1 << 26  # bytes of pixels, about, that may wait to be written


@dataclass(frozen=True)
class Written:
    """What one class's samples came to.

    Attributes:
        folder: where they are.
        class_name: their class.
        count: how many this call was to see to; of a part of them, those of the part.
        rejected: draws below the acceptance threshold, drawn anew.
        never_accepted: images of which every try was; the best of them is written.
        side: of the squares they are, in pixels; None where each has the size of its original.
        missing_parts: numbers of the parts that other machines have still to draw.
        precision: that they were drawn in.
        provider: what they were drawn on, as onnxruntime calls it.
    """

    folder: Path
    class_name: str
    count: int
    rejected: int
    never_accepted: int
    side: int | None
    missing_parts: tuple[int, ...] = ()
    precision: str = FP32
    provider: str = "CPU"


@dataclass(frozen=True)
class _Sample:
    """A sample on its way to disk: its entry of the manifest, its picture and its masks by name."""

    entry: Entry
    files: dict[str, bytes]
    masks: dict[str, bytes]


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

    Each file appears whole or not at all, its lines of the manifest after it. Samples of other
    classes in the folder stay as they are. Of a part of them that one of several machines draws
    the manifest has another name, until all parts are there.

    Args:
        sampler: the adapted model.
        count: how many images there shall be, over all parts.
        out: the folder.
        seed: of the images.
        progress: where to show how far it is.
        pictures: size, format and containers, see :class:`OutputOptions`; each at the size of its
            original, as PNG, in a file of its own by default.
        resume: keep the pictures of the class that an earlier call with this seed left there.
        overwrite: remove them first.

    Raises:
        OutputError: a file can't be written; those before it stay. There are other files than
            samples, or samples of the class already. Or what is to be resumed was begun otherwise.
            Or another process is writing there.
        UsageError: the format can't hold what the originals are.
    """
    job = job_of(sampler, count, out, seed, pictures)
    if job.in_parts and resume and holds_all(job):
        return told(sampler, job, job.whole, [])
    check_folder(job)
    with own_folder(out, shared=job.in_parts), _alone_with_part(job):
        _draw(sampler, job, progress, claim_class(job, resume=resume, overwrite=overwrite))
        return finish(sampler, job) if job.options.joins else told(sampler, job, job.manifest, [])


def _alone_with_part(job: Job) -> AbstractContextManager[None]:
    """Several processes may draw parts, but not the same one."""
    return alone_at(job.out / f".{job.manifest.name}.part") if job.in_parts else nullcontext()


def _draw(sampler: Sampler, job: Job, progress: Progress, kept: int) -> None:
    """Draw and write the samples of a job from the first on that is not kept."""
    indices = job.indices
    try:
        job.whole.touch()  # by which the folder is known, also while parts of it are drawn
        if job.options.masks is not None and job.options.per_file is None:
            job.masks_out.mkdir(exist_ok=True)
            (job.masks_out / MANIFEST).touch()  # so that masks never pass for images
        with (
            job.manifest.open("a", encoding="utf-8") as lines,
            progress.task(f"drawing {job.class_name}", len(indices), kept) as advance,
        ):
            new = sampler.draw(len(indices) - kept, job.seed, indices.start + kept)
            samples = _samples(sampler, job, new)
            for _, block in groupby(samples, lambda s: job.block_of(s.entry["index"])):
                entries = _write(job, block)
                lines.writelines(map(line_of, entries))
                lines.flush()
                advance(len(entries))
    except OSError as error:
        raise unwritable(job.manifest, error) from error


def job_of(
    sampler: Sampler, count: int, out: Path, seed: int, pictures: PictureOptions | None
) -> Job:
    """What is to be written, see :func:`write_samples`.

    Raises:
        UsageError: the format can't hold what the originals are.
    """
    options = pictures
    if not isinstance(options, OutputOptions):
        options = OutputOptions(options.size, options.format) if options else OutputOptions()
    _check_format(sampler, options)
    name, digest = sampler.card.class_name, sampler.digest
    return Job(out, name, count, seed, digest, options, sampler.precision)


def finish(sampler: Sampler, job: Job) -> Written:
    """Put the manifests of all parts together, if all are there, and write what goes beside.

    Raises:
        OutputError: a file can't be written.
    """
    missing = join_parts(job) if job.in_parts else []
    if not missing:
        write_metadata(job.out, job.whole)
    return told(sampler, job, job.manifest if missing else job.whole, missing)


def told(sampler: Sampler, job: Job, manifest: Path, missing: list[int]) -> Written:
    """What a manifest says of a job's samples."""
    rejected = never = 0
    for entry in read_entries(manifest):
        if job.is_mine(entry) and entry["index"] in job.indices:
            rejected += int(entry["tries"]) - bool(entry["accepted"])
            never += not entry["accepted"]
    native = sampler.tells_changes and sampler.original(0) is not None
    return Written(
        job.out if job.options.per_file else job.out / job.class_name,
        job.class_name,
        len(job.indices),
        rejected,
        never,
        side=job.options.size or (None if native else sampler.card.size),
        missing_parts=tuple(missing),
        precision=sampler.precision,
        provider=sampler.provider,
    )


def _check_format(sampler: Sampler, pictures: PictureOptions) -> None:
    """Make sure, before any work, that the format can hold every original."""
    for row in range(len(sampler.card.support_hashes)):
        original = sampler.original(row)
        if original is not None and sampler.tells_changes and pictures.size != sampler.card.size:
            suffix_of(original, pictures)


def _write(job: Job, samples: Iterable[_Sample]) -> list[Entry]:
    """Write samples that share a file, or one with files of its own; their entries."""
    entries = []
    if job.options.per_file is None:
        for sample in samples:
            masks = {job.masks_out / name: content for name, content in sample.masks.items()}
            pictures = {job.out / name: content for name, content in sample.files.items()}
            for path, content in (masks | pictures).items():
                with whole_file(path) as part:
                    part.write_bytes(content)
            entries.append(sample.entry)
        return entries
    samples = iter(samples)
    first = next(samples)
    path = job.container(first.entry["index"])
    with whole_file(path) as part, open_container(part, job.options.container) as container:
        for sample in chain([first], samples):
            container.add(sample.entry, sample.files | sample.masks)
            entries.append(sample.entry)
    digest = file_hash(path)
    return [entry | {"container_sha256": digest} for entry in entries]


def _samples(sampler: Sampler, job: Job, draws: Iterator[Drawn]) -> Iterator[_Sample]:
    """Samples of what is drawn; some are made on other threads while the next ones are drawn."""
    workers = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    most = max(2 * workers, min(BATCH, WAITING // _bytes_of_one(sampler, job)))
    with ThreadPoolExecutor(workers) as pool:
        waiting = deque[Future[_Sample]]()
        for drawn in _ahead(draws):
            for k in range(len(drawn.indices)):
                waiting.append(pool.submit(_sample, sampler, job, drawn, k))
                if len(waiting) > most:
                    yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _ahead(draws: Iterator[Drawn]) -> Iterator[Drawn]:
    """Draws in their order; the next ones are drawn while some are written."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, draws, None)
        while (drawn := following.result()) is not None:
            following = pool.submit(next, draws, None)
            yield drawn


def _bytes_of_one(sampler: Sampler, job: Job) -> int:
    """Of the pixels of the largest sample."""
    side = job.options.size or sampler.card.size
    found = [side * side * sampler.card.channels]
    if sampler.tells_changes and job.options.size is None:
        originals = map(sampler.original, range(len(sampler.card.support_hashes)))
        found += [original.pixels.nbytes for original in originals if original is not None]
    return max(found)


def _sample(sampler: Sampler, job: Job, drawn: Drawn, k: int) -> _Sample:
    """The files of one draw, and what the manifest says of it."""
    picture = render(sampler, drawn, k, job.options.size)
    content, suffix = encode(picture, job.options), suffix_of(picture, job.options)
    index = drawn.indices[k]
    path = f"{job.class_name}/{index:06d}.{suffix}"
    entry = {
        "file": path,
        "class": job.class_name,
        **entry_of(sampler, drawn, k, picture.size, content),
        "seed": job.seed,
        "asked": job.asked,
        "precision": job.precision,
    }
    masks = _masks(job, drawn, k, picture.size)
    if job.options.masks is not None:
        entry["masks"] = list(masks)
    if job.options.per_file:
        entry["container"] = job.container(index).name
    return _Sample(entry, {path: content}, masks)


def _masks(job: Job, drawn: Drawn, k: int, size: tuple[int, int]) -> dict[str, bytes]:
    """The masks of one draw, named as those of its original are, but by the draw's number.

    In a tar a name's first dot ends what is one sample's, as WebDataset has it.
    """
    if job.options.masks is None:
        return {}
    index, masks = drawn.indices[k], job.options.masks.changed(drawn, k, size)
    if job.options.per_file:
        return {
            f"{job.class_name}/{index:06d}.mask{number}{Path(f'x{file.ending}').suffix}": content
            for number, (file, content) in enumerate(masks)
        }
    root = Path(job.class_name)
    return {(root / file.beside(f"{index:06d}")).as_posix(): content for file, content in masks}
