"""Groups of images that stay together in every split: of a camera, a patient, a plate."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path

from l2laug.core.errors import UsageError

COLUMNS = ("file", "group")


def read_groups(given: str, paths: Sequence[Path]) -> list[str | None]:
    """The group of each image, None where it has none.

    Args:
        given: of ``--groups``: the name of a CSV file with the columns ``file`` and ``group``,
            ``file`` being the end of an image's path (``class/name.png``); or a regular expression
            that is searched for in each path, written with ``/``, its first capture group the name
            of the image's group.
        paths: the images.

    Raises:
        UsageError: the expression or the file can't be used, or no image has a group by it.
    """
    found = _by_table(given, paths) if given.lower().endswith(".csv") else _by_regex(given, paths)
    if paths and not any(group is not None for group in found):
        raise UsageError(
            f"--groups {given} gives none of the {len(paths)} images a group, {paths[0]} for one.",
            "Look at how the paths are written; a regular expression has to match within them.",
        )
    return found


def _by_regex(given: str, paths: Sequence[Path]) -> list[str | None]:
    try:
        pattern = re.compile(given)
    except re.error as error:
        raise UsageError(
            f"--groups {given} is no regular expression: {error}.",
            "Correct it, or name a CSV file with the columns file and group.",
        ) from error
    if not pattern.groups:
        raise UsageError(
            f"--groups {given} has no capture group.",
            "Put brackets around what names the group, as in 'camera(\\d+)'.",
        )
    matches = [pattern.search(path.as_posix()) for path in paths]
    return [match[1] if match else None for match in matches]


def _by_table(given: str, paths: Sequence[Path]) -> list[str | None]:
    table, problems = _read_table(Path(given)), list[str]()
    used: dict[str, set[Path]] = {}
    found: list[str | None] = []
    for path in paths:
        parts = path.parts
        ends = ["/".join(parts[i:]) for i in range(len(parts))]
        known = next((end for end in (path.as_posix(), *ends) if end in table), None)
        found.append(None if known is None else table[known])
        if known is not None:
            used.setdefault(known, set()).add(path.resolve())
    for name, files in used.items():
        if len(files) > 1:
            problems.append(f"{name} is the name of {len(files)} images")
    if problems:
        more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise UsageError(
            f"--groups {given}: {problems[0]}{more}.", "Write the class folder too: class/name."
        )
    return found


def _read_table(path: Path) -> dict[str, str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            rows = csv.DictReader(opened)
            lacking = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
            if lacking:
                raise UsageError(
                    f"--groups {path} has no column {' and no column '.join(lacking)}.",
                    "Its first line has to be file,group.",
                )
            return _unique(path, [(row["file"] or "", row["group"] or "") for row in rows])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        told = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(
            f"--groups {path} can't be read: {told}.",
            "Give a CSV file with columns file and group.",
        ) from error


def _unique(path: Path, rows: Sequence[tuple[str, str]]) -> dict[str, str]:
    table, problems = dict[str, str](), list[str]()
    for line, (file, group) in enumerate(rows, 2):
        name = file.strip().replace("\\", "/").removeprefix("./")
        if not name or not group.strip():
            problems.append(f"line {line} has no {'group' if name else 'file'}")
        elif table.setdefault(name, group.strip()) != group.strip():
            problems.append(f"line {line} puts {name} into another group")
    if problems:
        more = f" and {len(problems) - 5} more" if len(problems) > 5 else ""
        raise UsageError(
            f"--groups {path}: {', '.join(problems[:5])}{more}.", "Correct these lines."
        )
    return table
