"""l2laug reproduce."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2laug.cli.app import AsJson, Device, app, command
from l2laug.cli.printing import print_json


@app.command(
    "reproduce", epilog="Example: l2laug reproduce ./omniglot --recipe glyphs-gems --scale 0.1"
)
@command
def reproduce_cli(
    source: Annotated[Path, typer.Argument(help="Class folders of base classes.")],
    recipe: Annotated[str, typer.Option(help="Name of a shipped recipe, or a file.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for all of it.")] = Path(
        "reproduction"
    ),
    bundle: Annotated[
        str | None, typer.Option(help="One trained from this source, in place of training one.")
    ] = None,
    scale: Annotated[
        float, typer.Option(min=1e-4, help="Times every number of steps of the recipe.")
    ] = 1.0,
    classes: Annotated[int, typer.Option(min=2, help="Held-out classes, the last ones.")] = 100,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions.")] = 3,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Run the paper's experiment and write its tables; the same command goes on after a stop."""
    from l2laug.commands.reproduce import ReproduceOptions, reproduce
    from l2laug.config.load import find_recipe
    from l2laug.core.progress import Progress
    from l2laug.data.public_sources import source_size
    from l2laug.runtime.session import Session

    options = ReproduceOptions(
        recipe=find_recipe(recipe, source_size(source)),
        bundle=bundle,
        scale=scale,
        classes=classes,
        seeds=seeds,
    )
    result = reproduce(source, out, options, Session.start(device, Progress(quiet=as_json)))
    if as_json:
        rows = {name: [vars(s) for s in found] for name, found in result.scores.items()}
        print_json({"folder": str(result.folder), "scores": rows})
        return
    print((result.folder / "tables.md").read_text(encoding="utf-8"))
    print(f"look at {result.folder / 'figure.png'}")
