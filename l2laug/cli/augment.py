"""l2laug augment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2laug.cli.adapt import seconds
from l2laug.cli.app import AsJson, Device, Groups, Overwrite, Seed, app, command
from l2laug.cli.printing import print_json
from l2laug.config.evaluation_options import PROBE, split_names
from l2laug.core.errors import NOTHING_ADDED

# Each option as the signature below names it.
Dataset = Annotated[
    Path,
    typer.Argument(
        help="Class folders, alone or in train/val/test; an MVTec tree; a CSV or JSONL; "
        "imagefolder; COCO, YOLO or VOC."
    ),
]
Out = Annotated[Path, typer.Option("-o", "--out", help="Folder to write.")]
ToCount = Annotated[
    str | None, typer.Option(help="Fill classes to this many images: a number, median or max.")
]
Rare = Annotated[
    str | None, typer.Option(help="Names of the rare classes, by commas [found by counts].")
]
Budget = Annotated[str | None, typer.Option(help="Time for all, as 20m.")]
Bundle = Annotated[str, typer.Option(help="Name or path; auto takes the nearest.")]
Heads = Annotated[
    str, typer.Option(help="Classifiers that samples have to help, as evaluate takes them.")
]
Force = Annotated[str | None, typer.Option(help="samples: add them whatever the measurement says.")]
Link = Annotated[bool, typer.Option("--link", help="Link to the real images, don't copy them.")]
Shards = Annotated[
    int | None, typer.Option(min=1, help="Write WebDataset tar files of so many images each.")
]
Parquet = Annotated[
    bool, typer.Option("--parquet", help="Write Parquet files of 1,000 images, or --shards.")
]
Models = Annotated[
    Path | None, typer.Option(help="Keep there the models that images were drawn from.")
]
Plan = Annotated[
    bool, typer.Option("--plan", help="Say what was found and would be done; do nothing.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with what an earlier call left.")]


@app.command(
    "augment",
    epilog="Example: l2laug augment ./data -o ./balanced --to-count 200    (--plan says what it "
    "would do)",
)
@command
def augment_cli(
    dataset: Dataset,
    out: Out,
    to_count: ToCount = None,
    rare: Rare = None,
    budget: Budget = None,
    bundle: Bundle = "auto",
    heads: Heads = PROBE,
    force: Force = None,
    link: Link = False,
    shards: Shards = None,
    parquet: Parquet = False,
    groups: Groups = None,
    models: Models = None,
    plan: Plan = False,
    seed: Seed = 0,
    device: Device = "auto",
    resume: Resume = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Make a data set ready to train on: rare classes filled where that measurably helps."""
    limit = None if budget is None else seconds(budget)
    from l2laug.commands.augment import AugmentOptions, augment, plan_augment
    from l2laug.core.progress import Progress
    from l2laug.reports.augmentation import columns, outcome, plan_table, result_rows
    from l2laug.runtime.session import Session

    options = AugmentOptions(
        out=out,
        to_count=to_count,
        rare=split_names(rare or ""),
        budget=limit,
        bundle=bundle,
        heads=split_names(heads),
        force=force,
        link=link,
        shards=shards,
        parquet=parquet,
        groups=groups,
        models=models,
        resume=resume,
        overwrite=overwrite,
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
