"""l2laug sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2laug.cli.app import AsJson, Device, Overwrite, Seed, app, command
from l2laug.cli.printing import print_json
from l2laug.core.errors import UsageError

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
    device: Device = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep what was drawn before; draw the rest, or more.")
    ] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Draw images from an adapted model; needs neither torch nor a GPU."""
    if resume and overwrite:
        raise UsageError("--resume keeps what --overwrite removes.", "Give one of them.")
    from l2laug.artifacts.run import find_run
    from l2laug.core.progress import Progress
    from l2laug.sampling.sampler import Sampler
    from l2laug.sampling.writer import write_samples

    found = find_run(run)
    progress = Progress(quiet=as_json)
    sampler = Sampler(found.model, device)
    progress.say(f"model {found.model}, {sampler.provider}")
    if sampler.advice:
        progress.say(f"note: {sampler.advice}")
    target = out or found.samples
    written = write_samples(
        sampler, count, target, seed, progress, resume=resume, overwrite=overwrite
    )
    if as_json:
        print_json({"sampled": vars(written)})
    else:
        print(f"{written.count} images in {written.folder}; rejected as broken: {written.rejected}")
