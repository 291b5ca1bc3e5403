"""What evaluate does at the terminal where several sets of samples are given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l2laug.cli.shell import print_json
from l2laug.errors import UsageError


def check_for_several(options: Mapping[str, object]) -> None:
    """Refuse options that are about one run.

    Raises:
        UsageError: one of them is given; its value is neither None nor False.
    """
    for option, value in options.items():
        if value is not None and value is not False:
            raise UsageError(f"{option} is about one run.", "Leave it out, or name one run only.")


def print_comparison(comparison: dict[str, Any], as_json: bool) -> None:
    """Print a comparison as a table, or as JSON."""
    if as_json:
        print_json({"comparison": comparison})
        return
    from l2laug.scoring.comparison_report import terminal_table

    for line in terminal_table(comparison):
        print(line)
    extractor = comparison["extractor"]
    name, digest = extractor["name"], extractor["sha256"][:12]
    print(f"features: {name} {digest}, resizing: {extractor['resizing']}")
    for note in comparison["notes"]:
        print(f"note: {note}")
    print(f"look at: {comparison['paths']['sheet']}")
    print(f"report: {comparison['paths']['report']}")
