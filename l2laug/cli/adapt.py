"""l2laug adapt."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from l2laug.cli.app import AsJson, Device, Overwrite, Private, Seed, app, command
from l2laug.cli.printing import print_json
from l2laug.core.errors import UsageError


def seconds(text: str) -> float:
    """``90``, ``90s``, ``2m`` or ``1h`` in seconds.

    Raises:
        UsageError: it is none of these.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text.strip())
    if not match or not float(match[1]):
        raise UsageError(f"--budget {text} is not a time.", "Write 90s, 2m or 1h.")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


@app.command(
    "adapt", epilog="Example: l2laug adapt ./scratches --seed 1    (writes l2laug-runs/scratches)"
)
@command
def adapt_cli(
    folder: Annotated[Path, typer.Argument(help="Images of a rare class, or class folders.")],
    bundle: Annotated[str, typer.Option(help="Name or path; auto takes the nearest.")] = "auto",
    source: Annotated[
        Path | None,
        typer.Option(help="Class folders of base classes to train a bundle on first (hours)."),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option(help="Class folders of base classes to learn along first (minutes)."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Run folder [l2laug-runs/<class>].")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Recipe name or file in place of the bundle's own.")
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    budget: Annotated[
        str | None, typer.Option(help="Longest time to train a class, as 90s or 2m.")
    ] = None,
    max_side: Annotated[
        int,
        typer.Option(min=32, help="Longest side of the originals that the model file carries."),
    ] = 1024,
    private: Private = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep classes adapted before; adapt the others.")
    ] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Learn a rare class; writes one self-contained model file and a sheet of samples."""
    limit = None if budget is None else seconds(budget)
    from l2laug.commands.adapt import AdaptOptions, adapt
    from l2laug.config.load import find_recipe
    from l2laug.core.progress import Progress
    from l2laug.data.public_sources import source_size
    from l2laug.runtime.session import Session

    look = None if source is None else source_size(source)
    options = AdaptOptions(
        bundle=bundle,
        source=source,
        base=base,
        out=out,
        budget=limit,
        recipe=None if recipe is None else find_recipe(recipe, look),
        resume=resume,
        overwrite=overwrite,
        max_side=max_side,
        private=private,
    )
    session = Session.start(device, Progress(quiet=as_json), seed)
    results = adapt(folder, options, session)
    if as_json:
        print_json({"adapted": [vars(r) for r in results]})
        return
    for result in results:
        print(f"{result.class_name}: model {result.run / 'model.onnx'}")
        print(f"{result.class_name}: look at {result.run / 'sheet.png'}")
    print("The model file contains the rare images themselves: share it as you would share them.")
