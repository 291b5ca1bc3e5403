"""l2laug bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2laug.cli.app import AsJson, app, command
from l2laug.cli.printing import print_json
from l2laug.core.errors import BundleError


@app.command("bundles", epilog="Example: l2laug bundles ./my_bundle")
@command
def bundles_cli(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Bundle folders; the shipped ones if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List bundles and verify their files against their checksums."""
    from l2laug.artifacts.bundle import list_bundles, open_bundle

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
