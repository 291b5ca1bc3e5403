"""l2laug demo."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from l2laug.cli.app import AsJson, Overwrite, app, command
from l2laug.cli.printing import print_evaluation, print_json


@app.command("demo", epilog="Example: l2laug demo -o demo --overwrite")
@command
def demo_cli(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for all of it.")] = Path("demo"),
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Run the main job on two problems: scanned digits and photographs of clothing."""
    from l2laug.commands.demo import demo
    from l2laug.core.progress import Progress
    from l2laug.runtime.session import Session

    results = demo(out, Session.start(progress=Progress(quiet=as_json)), overwrite=overwrite)
    if as_json:
        print_json({"demo": [asdict(result) for result in results]})
        return
    for result in results:
        print(f"\n{result.problem}")
        print_evaluation(asdict(result.evaluation))
        print(f"pictures: {result.samples.folder}")
        print(f"look at: {result.run / 'sheet.png'}")
