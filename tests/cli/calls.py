"""Calling the command line and taking apart what it says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from click.testing import Result
from typer.testing import CliRunner

from l2laug.cli import app


def l2laug(*words: object) -> Result:
    result = CliRunner().invoke(app, [str(w) for w in words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def rejected(code: int, *words: object) -> str:
    """Run a command that must end with an exit code and one line that says why."""
    result = l2laug(*words)
    assert result.exit_code == code, result.stderr
    assert result.stdout == ""
    *progress, line = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert not [said for said in progress if "error" in said or "Traceback" in said]
    return line


def the_json(result: Result) -> dict[str, Any]:
    """Standard output, which must be one JSON document and nothing else."""
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def copied(folder: Path, to: Path, count: int) -> Path:
    to.mkdir(parents=True)
    for path in sorted(folder.iterdir())[:count]:
        shutil.copy(path, to)
    return to


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
