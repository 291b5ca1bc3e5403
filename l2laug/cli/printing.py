"""How results are printed: for people, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from l2laug import __version__
from l2laug.core.errors import UsageError

if TYPE_CHECKING:
    from l2laug.sampling.writer import Written


def check_for_several(options: Mapping[str, object]) -> None:
    """Reject options that are about one run.

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
    from l2laug.reports.comparison import terminal_table

    for line in terminal_table(comparison):
        print(line)
    extractor = comparison["extractor"]
    name, digest = extractor["name"], extractor["sha256"][:12]
    print(f"features: {name} {digest}, resizing: {extractor['resizing']}")
    for note in comparison["notes"]:
        print(f"note: {note}")
    print(f"look at: {comparison['paths']['sheet']}")
    print(f"report: {comparison['paths']['report']}")


def print_evaluation(evaluation: dict[str, Any]) -> None:
    """Print an evaluation: a line for each score, the verdicts and where the report is."""
    from l2laug.reports.markdown import measure_line
    from l2laug.reports.verdicts import verdict_lines

    for measure in evaluation["measures"].values():
        print(measure_line(measure))
    extractor = evaluation["extractor"]
    name, digest = extractor["name"], extractor["sha256"][:12]
    print(f"features: {name} {digest}, resizing: {extractor['resizing']}")
    for note in evaluation["notes"]:
        print(f"note: {note}")
    for line in verdict_lines(evaluation):
        print(line)
    print(f"report: {evaluation['paths']['report']}")
    print(f"look at: {evaluation['paths']['page']}")


def print_json(result: dict[str, Any]) -> None:
    """Print a command's result as one JSON document."""
    # Escaped: names from a file system may hold what standard output can't encode.
    print(json.dumps({"version": __version__, **result}, default=str))


def print_written(written: Written) -> None:
    """Print where samples are, how large, and which of them never passed."""
    side = written.side
    size = "at their originals' size" if side is None else f"{side}x{side} pixels"
    print(f"{written.count} images in {written.folder}, {size}")
    if written.rejected:
        print(f"{written.rejected} draws below the class-similarity threshold were drawn anew")
    if written.never_accepted:
        print(
            f"{written.never_accepted} images never reached it: look at those whose line in the "
            "manifest says accepted: false"
        )
    if written.missing_parts:
        named = ", ".join(map(str, written.missing_parts))
        print(f"the samples are whole once these shards are drawn: {named}")
