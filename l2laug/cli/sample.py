"""l2laug sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2laug.cli.app import AsJson, Overwrite, Seed, app, command
from l2laug.cli.printing import print_json, print_written

RunArgument = Annotated[
    Path | None,
    typer.Argument(help="Run folder or .onnx file; the newest run of this folder if left out."),
]


@app.command("sample", epilog="Example: l2laug sample -n 1000 -o augmented --seed 1")
@command
def sample_cli(
    run: RunArgument = None,
    count: Annotated[int, typer.Option("-n", "--count", min=1, help="How many images.")] = 100,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder for class folders [RUN/samples].")
    ] = None,
    seed: Seed = 0,
    device: Annotated[
        str, typer.Option(help="auto, cpu, cuda, tensorrt, coreml or directml.")
    ] = "auto",
    precision: Annotated[
        str,
        typer.Option(help="fp32; int8 (CPU); fp16 (CUDA); auto: one that is faster here."),
    ] = "fp32",
    size: Annotated[
        int | None,
        typer.Option(min=8, max=4096, help="Side of squares to write [each as its original]."),
    ] = None,
    picture_format: Annotated[
        str, typer.Option("--format", help="png (TIFF where 16 bits need it), jpg or webp.")
    ] = "png",
    shards: Annotated[
        int | None, typer.Option(min=1, help="Write WebDataset tar files of so many samples each.")
    ] = None,
    parquet: Annotated[
        bool, typer.Option("--parquet", help="Write Parquet files of 1,000 samples, or --shards.")
    ] = False,
    shard: Annotated[
        str | None, typer.Option(help="Draw a share of the samples, one of several machines': 2/4.")
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(help="The rare images' folder: write changed masks too, to OUT-masks."),
    ] = None,
    engine: Annotated[
        str, typer.Option(help="local, or ray: the cluster of RAY_ADDRESS, or all processors.")
    ] = "local",
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what was drawn before; draw the rest, or more.")
    ] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Draw images from an adapted model; needs neither torch nor a GPU."""
    from l2laug.artifacts.run import find_run
    from l2laug.commands.sample import SampleOptions, sample
    from l2laug.core.progress import Progress

    options = SampleOptions(
        count,
        out,
        seed,
        device,
        resume,
        overwrite,
        size=size,
        format=picture_format,
        shards=shards,
        parquet=parquet,
        shard=shard,
        masks=masks,
        engine=engine,
        precision=precision,
    )
    written = sample(find_run(run), options, Progress(quiet=as_json))
    if as_json:
        print_json({"sampled": vars(written)})
    else:
        print_written(written)
