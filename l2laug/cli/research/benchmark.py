"""l2laug benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2laug.cli.app import AsJson, Device, app, command
from l2laug.cli.printing import print_json


@app.command(
    "benchmark", epilog="Example: l2laug benchmark ./omniglot --methods all --shots 3 --steps 20"
)
@command
def benchmark_cli(
    source: Annotated[Path, typer.Argument(help="Class folders, some of which are held out.")],
    methods: Annotated[
        str, typer.Option(help="Names with commas between, or all: l2l and its six neighbours.")
    ] = "all",
    shots: Annotated[int, typer.Option(min=1, help="Images shown of a held-out class.")] = 3,
    steps: Annotated[
        int | None,
        typer.Option(min=1, help="Budget of each source training: 64 images for each step."),
    ] = None,
    hours: Annotated[
        float | None, typer.Option(min=0.001, help="Budget of each source training, in time.")
    ] = None,
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for all of it.")] = Path(
        "benchmark"
    ),
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions.")] = 3,
    classes: Annotated[int, typer.Option(min=2, help="Held-out classes, the last ones.")] = 20,
    error_shots: Annotated[
        str, typer.Option(help="Images of a class that classifiers learn from.")
    ] = "5,10,15",
    lpips: Annotated[
        Path | None, typer.Option(help="AlexNet's weights; LPIPS is measured too.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Train and measure methods within one budget; the same command goes on after a stop."""
    from l2laug.commands.benchmarking.benchmark import benchmark
    from l2laug.commands.benchmarking.plan import BenchmarkOptions, whole_numbers
    from l2laug.config.evaluation_options import split_names
    from l2laug.core.progress import Progress
    from l2laug.runtime.processes import Processes

    options = BenchmarkOptions(
        methods=split_names(methods),
        shots=shots,
        steps=steps,
        hours=hours,
        seeds=seeds,
        classes=classes,
        error_shots=whole_numbers(error_shots),
        lpips=lpips,
    )
    options.check()
    result = benchmark(source, out, options, Processes.start(device, Progress(quiet=as_json)))
    if not result.main:
        return
    if as_json:
        print_json({"folder": str(result.folder), "rows": result.rows})
        return
    print((result.folder / "benchmark.md").read_text(encoding="utf-8"))
    print(f"look at {result.folder / 'benchmark.png'}")
