"""l2laug augment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2laug.cli.adapt import seconds
from l2laug.cli.app import AsJson, Device, Overwrite, Seed, app, command
from l2laug.cli.printing import print_json
from l2laug.core.errors import NOTHING_ADDED


@app.command(
    "augment",
    epilog="Example: l2laug augment ./data -o ./balanced --to-count 200    (--plan says what it "
    "would do)",
)
@command
def augment_cli(
    dataset: Annotated[
        Path,
        typer.Argument(
            help="Class folders, alone or in train/val/test; an MVTec tree; a CSV or JSONL; "
            "imagefolder; COCO, YOLO or VOC."
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.")],
    to_count: Annotated[
        str | None,
        typer.Option(help="Fill classes to this many images: a number, median or max."),
    ] = None,
    rare: Annotated[
        str | None, typer.Option(help="Names of the rare classes, by commas [found by counts].")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Time for all, about, as 20m.")] = None,
    bundle: Annotated[str, typer.Option(help="Name or path; auto takes the nearest.")] = "auto",
    force: Annotated[
        str | None, typer.Option(help="samples: add them whatever the measurement says.")
    ] = None,
    link: Annotated[
        bool, typer.Option("--link", help="Link to the real images in place of copies.")
    ] = False,
    plan: Annotated[
        bool, typer.Option("--plan", help="Say what was found and would be done; do nothing.")
    ] = False,
    seed: Seed = 0,
    device: Device = "auto",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with what an earlier call left.")
    ] = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Make a data set ready to train on: rare classes filled where that measurably helps."""
    limit = None if budget is None else seconds(budget)
    from l2laug.commands.augment import AugmentOptions, augment, plan_augment
    from l2laug.core.progress import Progress
    from l2laug.reports.augmentation import columns, outcome, plan_table, result_rows
    from l2laug.runtime.session import Session

    named = tuple(name.strip() for name in (rare or "").split(",") if name.strip())
    options = AugmentOptions(
        out, to_count, named, limit, bundle, force, link, resume=resume, overwrite=overwrite
    )
    session = Session.start(device, Progress(quiet=as_json), seed)
    if plan:
        found = plan_augment(dataset, options, session).to_json()
        if as_json:
            print_json({"plan": found})
        else:
            print("\n".join(plan_table(found)))
        return
    result = augment(dataset, options, session)
    if as_json:
        print_json({"augmented": result})
    else:
        print("\n".join(columns(result_rows(result))))
        print(outcome(result))
        print(f"data set: {out}, report: {out / 'report.md'}")
    if not result["added"]:
        raise typer.Exit(NOTHING_ADDED)
