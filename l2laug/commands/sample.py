"""Sample: draw images of an adapted class into a folder; without torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from l2laug.artifacts.run import Run
from l2laug.core.errors import UsageError
from l2laug.core.progress import Progress
from l2laug.sampling.render import PictureOptions
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writer import Written, write_samples


@dataclass(frozen=True)
class SampleOptions:
    """What is drawn, and where to.

    Attributes:
        count: how many images there shall be.
        out: folder for class folders; the run's own ``samples`` by default.
        seed: of the images; image ``i`` of a seed is always the same.
        device: ``auto``, ``cpu`` or ``cuda``.
        resume: keep the pictures that an earlier call with this seed left there.
        overwrite: remove them first.
        size: side of squares to write; each at the size of its original by default.
        format: ``png``, ``jpg`` or ``webp``.
    """

    count: int = 100
    out: Path | None = None
    seed: int = 0
    device: str = "auto"
    resume: bool = False
    overwrite: bool = False
    size: int | None = None
    format: str = "png"


def sample(run: Run, options: SampleOptions, progress: Progress) -> Written:
    """Draw images and write them with a manifest, see :func:`write_samples`.

    Args:
        run: the adapted model.
        options: how many, where to.
        progress: where to show how far it is.

    Raises:
        UsageError: both ``resume`` and ``overwrite`` are asked for, or there is no such device.
        BundleError: the model can't be loaded.
        DeviceError: CUDA was asked for and can't be had.
        OutputError: there are samples already, or they can't be written.
    """
    if options.resume and options.overwrite:
        raise UsageError("--resume keeps what --overwrite removes.", "Give one of them.")
    pictures = PictureOptions(options.size, options.format)
    sampler = Sampler(run.model, options.device)
    progress.say(f"model {run.model}, {sampler.provider}")
    if sampler.advice:
        progress.say(f"note: {sampler.advice}")
    return write_samples(
        sampler,
        options.count,
        options.out or run.samples,
        options.seed,
        progress,
        pictures=pictures,
        resume=options.resume,
        overwrite=options.overwrite,
    )
