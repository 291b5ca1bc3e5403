"""Draw samples on a cluster, by Ray: in shares that each begin anew where a worker is lost."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from l2laug.core.errors import L2lAugError
from l2laug.core.progress import Progress
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writer import Written, finish, job_of, told, write_samples
from l2laug.sampling.writing.claim import clear_class
from l2laug.sampling.writing.job import OutputOptions, Part
from l2laug.sampling.writing.manifest import holds_all

PER_SHARE = 500  # samples at least
RETRIES = 5  # of a share, on other workers


@dataclass(frozen=True)
class Share:
    """What a worker needs to draw a share of the samples.

    Attributes:
        model: the ``.onnx`` file, a path that every worker sees.
        count: samples over all shares.
        out: the folder, which every worker sees.
        seed: of the images.
        options: how they are written, and which share it is.
    """

    model: Path
    count: int
    out: Path
    seed: int
    options: OutputOptions


def draw_share(share: Share) -> int:
    """Draw a share, or what is left of it; its number. Runs on a worker."""
    sampler = Sampler(share.model, "cpu", threads=1)
    write_samples(
        sampler,
        share.count,
        share.out,
        share.seed,
        Progress(quiet=True),
        pictures=share.options,
        resume=True,
    )
    return share.options.part.number


def sample_on_cluster(
    sampler: Sampler,
    whole: Share,
    progress: Progress,
    *,
    resume: bool = False,
    overwrite: bool = False,
    draw: Callable[[Share], int] = draw_share,
) -> Written:
    """Draw samples on the Ray cluster of ``RAY_ADDRESS``, or on this machine's processors.

    The folder then holds what :func:`l2laug.sampling.writer.write_samples` writes on one machine,
    byte for byte. A share whose worker is lost goes on elsewhere, from its last whole file.

    Args:
        sampler: the model.
        whole: what to draw, as one share.
        progress: where to show how far it is.
        resume: keep what an earlier call left there.
        overwrite: remove it first.
        draw: draws a share.

    Raises:
        ModuleNotFoundError: Ray is not installed.
        OutputError: as ``write_samples``.
    """
    job = job_of(sampler, whole.count, whole.out, whole.seed, whole.options)
    clear_class(job, resume=resume, overwrite=overwrite)
    shares = _shares(whole, job.block)
    if not (resume and holds_all(job)):
        with progress.task(f"drawing {job.class_name}", whole.count) as advance:
            for number in _drawn(shares, draw):
                advance(len(shares[number - 1].options.part.indices(whole.count, job.block)))
        finish(sampler, replace(job, options=shares[0].options))
    return told(sampler, job, job.whole, [])


def _shares(whole: Share, block: int) -> list[Share]:
    """The same ones whatever the cluster is, so that what it left can be gone on with."""
    of = max(whole.count // max(PER_SHARE, block), 1)
    parts = (Part(number, of) for number in range(1, of + 1))
    return [
        replace(whole, options=replace(whole.options, part=part, joins=False)) for part in parts
    ]


def _drawn(shares: list[Share], draw: Callable[[Share], int]) -> Iterator[int]:
    """Numbers of the shares, as workers are done with them."""
    import ray

    ray.init(
        ignore_reinit_error=True,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
    )
    try:
        remote = ray.remote(num_cpus=1, max_retries=RETRIES)(draw)
        waiting = [remote.remote(share) for share in shares]
        while waiting:
            [ended], waiting = ray.wait(waiting, num_returns=1)
            yield ray.get(ended)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, L2lAugError):
            raise error.cause from None
        raise
    finally:
        ray.shutdown()
