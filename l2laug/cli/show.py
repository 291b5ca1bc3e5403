"""l2laug show."""

from __future__ import annotations

from dataclasses import asdict

from l2laug.cli.app import AsJson, app, command
from l2laug.cli.printing import print_json
from l2laug.cli.sample import RunArgument


@app.command("show", epilog="Example: l2laug show l2laug-runs/crack")
@command
def show_cli(run: RunArgument = None, as_json: AsJson = False) -> None:
    """List what a model file holds: class, bundle, strengths and the images themselves."""
    from l2laug.artifacts.run import find_run
    from l2laug.commands.show import describe, show

    contents = show(find_run(run))
    if as_json:
        print_json({"model": asdict(contents)})
        return
    for line in describe(contents):
        print(line)
