"""Sample: draw images of an adapted class into a folder; without torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

from l2laug.artifacts.run import Run
from l2laug.core.errors import UsageError
from l2laug.core.progress import Progress
from l2laug.sampling.cluster import Share, sample_on_cluster
from l2laug.sampling.precision.choice import AUTO, FP32
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writer import Written, write_samples
from l2laug.sampling.writing.job import PARQUET, TAR, OutputOptions, Part
from l2laug.sampling.writing.support_masks import SupportMasks

PER_FILE = 1000
ENGINES = ("local", "ray")


@dataclass(frozen=True)
class SampleOptions:
    """What is drawn, and where to.

    Attributes:
        count: how many images there shall be.
        out: folder for class folders; the run's own ``samples`` by default.
        seed: of the images; image ``i`` of a seed is always the same.
        device: one of :data:`l2laug.sampling.providers.DEVICES`.
        resume: keep the pictures that an earlier call with this seed left there.
        overwrite: remove them first.
        size: side of squares to write; each at the size of its original by default.
        format: ``png``, ``jpg`` or ``webp``.
        shards: how many samples share a file, tar or Parquet; each has its own by default.
        parquet: write Parquet, with 1,000 samples a file unless ``shards`` says otherwise.
        shard: which share of the samples is drawn, as ``2/4``; all by default.
        masks: folder of the rare images and their masks, which are changed along.
        engine: ``local``, or ``ray`` for the workers of a Ray cluster that all see ``out``.
        precision: ``fp32``, ``int8``, ``fp16`` or ``auto``.
    """

    count: int = 100
    out: Path | None = None
    seed: int = 0
    device: str = "auto"
    resume: bool = False
    overwrite: bool = False
    size: int | None = None
    format: str = "png"
    shards: int | None = None
    parquet: bool = False
    shard: str | None = None
    masks: Path | None = None
    engine: str = "local"
    precision: str = FP32

    def output(self) -> OutputOptions:
        """How and into which files.

        Raises:
            UsageError: there is no such format or share.
        """
        part = Part() if self.shard is None else Part.parse(self.shard)
        per_file = self.shards or (PER_FILE if self.parquet else None)
        container = PARQUET if self.parquet else TAR
        return OutputOptions(self.size, self.format, per_file, container, part)


def sample(run: Run, options: SampleOptions, progress: Progress) -> Written:
    """Draw images and write them with a manifest, see :func:`write_samples`.

    Args:
        run: the adapted model.
        options: how many, where to.
        progress: where to show how far it is.

    Raises:
        UsageError: both ``resume`` and ``overwrite`` are asked for, there is no such device or
            precision, or machines that share the work would not draw in the same one.
        BundleError: the model can't be loaded.
        DeviceError: the device that was asked for can't be had, or is not for the precision.
        QualityError: the model draws other images in that precision.
        OutputError: there are samples already, or they can't be written.
    """
    if options.resume and options.overwrite:
        raise UsageError("--resume keeps what --overwrite removes.", "Give one of them.")
    if options.engine not in ENGINES:
        raise UsageError(f"--engine {options.engine} is unknown.", f"Use {' or '.join(ENGINES)}.")
    by_ray = options.engine == "ray"
    if by_ray and options.shard is not None:
        raise UsageError("--engine ray shares the work out itself.", "Leave --shard out.")
    if by_ray and options.precision != FP32:
        raise UsageError("--engine ray draws in fp32.", "Leave --precision out.")
    if options.shard is not None and options.precision == AUTO:
        raise UsageError(
            "--precision auto could differ between machines that share the work.",
            "Name one precision for all of them.",
        )
    if options.masks is not None and options.parquet:
        raise UsageError("--parquet has no column for masks.", "Use --shards without it.")
    pictures = options.output()
    # If they are missing, say so before any work.
    for module in (["pyarrow"] if options.parquet else []) + (["ray"] if by_ray else []):
        import_module(module)
    sampler = Sampler(run.model, options.device, precision=options.precision)
    told = f" ({sampler.about_precision})" if sampler.about_precision else ""
    progress.say(f"model {run.model}, {sampler.provider}, {sampler.precision}{told}")
    if sampler.advice:
        progress.say(f"note: {sampler.advice}")
    if options.masks is not None:
        pictures = replace(pictures, masks=SupportMasks.read(options.masks, sampler))
    out, keep, anew = options.out or run.samples, options.resume, options.overwrite
    if by_ray:
        whole = Share(run.model.absolute(), options.count, out.absolute(), options.seed, pictures)
        return sample_on_cluster(sampler, whole, progress, resume=keep, overwrite=anew)
    return write_samples(
        sampler,
        options.count,
        out,
        options.seed,
        progress,
        pictures=pictures,
        resume=keep,
        overwrite=anew,
    )
