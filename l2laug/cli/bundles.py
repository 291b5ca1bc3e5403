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
    from l2laug.artifacts.bundle_states import list_bundles

    found = list_bundles(paths or ())
    problems = [line for bundle in found for line in bundle.problems]
    if as_json:
        print_json({"bundles": [vars(bundle) for bundle in found]})
        if problems:
            raise typer.Exit(BundleError.exit_code)  # one document on stdout, problems included
        return
    for b in found:
        state = "damaged" if b.problems else "verified"
        print(f"{b.name}  {b.size}x{b.size}x{b.channels}  {state}  {b.description}")
    if problems:
        raise BundleError(" ".join(problems), "Install or copy the bundle again.")
