"""l2laug bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from l2laug.artifacts.names import INFO
from l2laug.cli.app import AsJson, app, command
from l2laug.cli.printing import print_json
from l2laug.core.errors import BundleError

VERIFY = Path("verify")


@app.command("bundles", epilog="Example: l2laug bundles verify ./from_elsewhere ./model.onnx")
@command
def bundles_cli(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[verify] [PATH]...",
            help="Bundle folders; the shipped ones if left out. With 'verify' before them look "
            "through all they hold; models too.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List bundles and verify their files against their checksums."""
    if paths and paths[0] == VERIFY and not (VERIFY / INFO).is_file():
        _verify(paths[1:], as_json)
        return
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


def _verify(paths: list[Path], as_json: bool) -> None:
    """Look through bundles and models, and say what was looked at and what is wrong."""
    from l2laug.commands.verify import verify

    found = verify(paths)
    problems = [line for one in found for line in one.problems]
    if as_json:
        print_json({"verified": [vars(one) for one in found]})
        if problems:
            raise typer.Exit(BundleError.exit_code)
        return
    for one in found:
        print(f"{one.kind} {one.path}: {'turned down' if one.problems else 'sound'}")
        for line in one.checked:
            print(f"  checked: {line}")
        for line in one.problems:
            print(f"  wrong: {line}")
    if problems:
        raise BundleError(problems[0], "Do not use it; install or copy it again.")
