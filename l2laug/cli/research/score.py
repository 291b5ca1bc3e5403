"""l2laug score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2laug.cli.app import AsJson, Device, app, command
from l2laug.cli.printing import print_json


@app.command("score", epilog="Example: l2laug score glyphs ./omniglot --shots 5")
@command
def score_cli(
    bundle: Annotated[str, typer.Argument(help="Name or path of a bundle.")],
    source: Annotated[Path, typer.Argument(help="Class folders it was trained from.")],
    recipe: Annotated[
        str | None, typer.Option(help="Recipe name or file in place of the bundle's own.")
    ] = None,
    classes: Annotated[int, typer.Option(min=2, help="Held-out classes, the last ones.")] = 100,
    shots: Annotated[int, typer.Option(min=1, help="Support images of each class.")] = 5,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions.")] = 3,
    first: Annotated[
        bool, typer.Option("--first", help="The first classes: those to choose settings on.")
    ] = False,
    singly: Annotated[
        bool, typer.Option("--singly", help="One model a class, as adapt makes, not one for all.")
    ] = False,
    reference_classifier: Annotated[
        bool,
        typer.Option(
            "--reference-classifier", help="Measure with a net trained on other images for it."
        ),
    ] = False,
    few_shot: Annotated[
        bool, typer.Option("--few-shot", help="See whether a classifier of the classes gains.")
    ] = False,
    out: Annotated[
        Path, typer.Option("-o", "--out", help="Folder that keeps scores, in one for each setting.")
    ] = Path("l2laug-scores"),
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure a bundle on the classes it held out; the same command goes on after a stop."""
    from l2laug.commands.score import ScoreOptions, score
    from l2laug.config.load import find_recipe
    from l2laug.core.progress import Progress
    from l2laug.reports.tables import score_table
    from l2laug.runtime.session import Session

    options = ScoreOptions(
        recipe=None if recipe is None else find_recipe(recipe),
        classes=classes,
        shots=shots,
        seeds=seeds,
        first=first,
        singly=singly,
        reference_classifier=reference_classifier,
        few_shot=few_shot,
        out=out,
    )
    results = score(bundle, source, options, Session.start(device, Progress(quiet=as_json)))
    if as_json:
        print_json({"scores": {name: [vars(s) for s in found] for name, found in results.items()}})
    else:
        print(score_table(results))
