"""The commands about bundles: pretrain, bundles, score, reproduce."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2laug.cli.shell import AsJson, Device, Overwrite, Seed, app, command, print_json
from l2laug.errors import BundleError


@app.command("pretrain", epilog="Example: l2laug pretrain ./common_classes -o my_bundle")
@command
def pretrain_cli(
    source: Annotated[Path, typer.Argument(help="Class folders of plentiful classes.")],
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
    from l2laug.pretraining import pretrain
    from l2laug.progress import Progress
    from l2laug.recipe import find_recipe

    result = pretrain(
        source,
        out,
        recipe=find_recipe(recipe, source),
        start=start,
        resume=resume,
        overwrite=overwrite,
        seed=seed,
        device=device,
        progress=Progress(quiet=as_json),
    )
    if not result.main:
        return
    if as_json:
        print_json({"bundle": str(result.bundle.path), "seconds": result.seconds})
    else:
        print(f"bundle {result.bundle.path}; look at {result.bundle.path / 'sheet.png'}")


@app.command("bundles", epilog="Example: l2laug bundles ./my_bundle")
@command
def bundles_cli(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Bundle folders; the shipped ones if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List bundles and verify their files against their checksums."""
    from l2laug.bundles import list_bundles, open_bundle

    found = [open_bundle(p) for p in paths] if paths else list_bundles()
    problems = {b.name: b.problems() for b in found}
    if as_json:
        rows = [
            {
                "name": b.name,
                "path": str(b.path),
                "size": b.size,
                "channels": b.channels,
                "description": b.info["description"],
                "problems": problems[b.name],
            }
            for b in found
        ]
        print_json({"bundles": rows})
        if any(problems.values()):
            raise typer.Exit(BundleError.exit_code)  # one document on stdout, problems included
        return
    for b in found:
        state = "damaged" if problems[b.name] else "verified"
        print(f"{b.name}  {b.size}x{b.size}x{b.channels}  {state}  {b.info['description']}")
    if bad := [line for lines in problems.values() for line in lines]:
        raise BundleError(" ".join(bad), "Install or copy the bundle again.")


@app.command("score", epilog="Example: l2laug score glyphs ./omniglot --shots 5")
@command
def score_cli(
    bundle: Annotated[str, typer.Argument(help="Name or path of a bundle.")],
    source: Annotated[Path, typer.Argument(help="Class folders it was trained from.")],
    recipe: Annotated[
        str | None, typer.Option(help="Recipe name or file in place of the bundle's own.")
    ] = None,
    classes: Annotated[int, typer.Option(min=2, help="Held-out classes, the last ones.")] = 100,
    shots: Annotated[int, typer.Option(min=1, help="Images shown of each.")] = 5,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions.")] = 3,
    first: Annotated[
        bool, typer.Option("--first", help="The first classes: those to choose settings on.")
    ] = False,
    singly: Annotated[
        bool, typer.Option("--singly", help="One model a class, as adapt makes, not one for all.")
    ] = False,
    judge: Annotated[
        bool, typer.Option("--judge", help="Measure with a net trained on other images for it.")
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
    from l2laug.progress import Progress
    from l2laug.recipe import find_recipe
    from l2laug.scoring.held_out import score
    from l2laug.scoring.held_out_scores import score_table

    results = score(
        bundle,
        source,
        recipe=None if recipe is None else find_recipe(recipe),
        classes=classes,
        shots=shots,
        seeds=seeds,
        first=first,
        singly=singly,
        judge=judge,
        few_shot=few_shot,
        out=out,
        device=device,
        progress=Progress(quiet=as_json),
    )
    if as_json:
        print_json({"scores": {name: [vars(s) for s in found] for name, found in results.items()}})
    else:
        print(score_table(results))


@app.command(
    "reproduce", epilog="Example: l2laug reproduce ./omniglot --recipe glyphs-gems --scale 0.1"
)
@command
def reproduce_cli(
    source: Annotated[Path, typer.Argument(help="Class folders of plentiful classes.")],
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
    from l2laug.progress import Progress
    from l2laug.recipe import find_recipe
    from l2laug.reproducing import reproduce

    result = reproduce(
        source,
        out,
        recipe=find_recipe(recipe, source),
        bundle=bundle,
        scale=scale,
        classes=classes,
        seeds=seeds,
        device=device,
        progress=Progress(quiet=as_json),
    )
    if as_json:
        rows = {name: [vars(s) for s in found] for name, found in result.scores.items()}
        print_json({"folder": str(result.folder), "scores": rows})
        return
    print((result.folder / "tables.md").read_text(encoding="utf-8"))
    print(f"look at {result.folder / 'figure.png'}")
