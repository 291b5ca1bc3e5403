"""l2laug pretrain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2laug.cli.app import AsJson, Device, Overwrite, Seed, app, command
from l2laug.cli.printing import print_json


@app.command("pretrain", epilog="Example: l2laug pretrain ./common_classes -o my_bundle")
@command
def pretrain_cli(
    source: Annotated[Path, typer.Argument(help="Class folders of base classes.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The bundle folder to write.")],
    recipe: Annotated[str, typer.Option(help="Name of a shipped recipe, or a file.")] = "default",
    start: Annotated[
        str | None, typer.Option(help="Bundle to go on from, in place of random weights.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a training that was cut off.")
    ] = False,
    overwrite: Overwrite = False,
    seed: Seed = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train a bundle of your own; hours on a CPU, and --resume goes on after a stop."""
    from l2laug.commands.pretrain import PretrainOptions, pretrain
    from l2laug.config.load import find_recipe
    from l2laug.core.progress import Progress
    from l2laug.data.public_sources import source_size
    from l2laug.runtime.processes import Processes

    options = PretrainOptions(
        recipe=find_recipe(recipe, source_size(source)),
        start=start,
        resume=resume,
        overwrite=overwrite,
    )
    session = Processes.start(device, Progress(quiet=as_json), seed)
    result = pretrain(source, out, options, session)
    if not result.main:
        return
    if as_json:
        print_json({"bundle": str(result.bundle.path), "seconds": result.seconds})
    else:
        print(f"bundle {result.bundle.path}; look at {result.bundle.path / 'sheet.png'}")
