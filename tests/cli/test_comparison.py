"""Evaluate with several sets of samples as a person or a script meets it."""

from __future__ import annotations

from pathlib import Path

import pytest

from l2laug.artifacts.run import Run
from tests.cli.calls import copied, l2laug, rejected, the_json


def test_a_table_on_the_terminal_and_the_same_as_json(here: Path, run: Run, digits: Path) -> None:
    copied(digits / "3", here / "other" / "3", 12)
    words = ["evaluate", "other", run.folder, "--dataset", digits, "-o", "out"]

    result = l2laug(*words)

    assert result.exit_code == 0, result.stderr
    head, *rows = result.stdout.splitlines()
    assert head.split() == ["other", "run", "real", "images"]
    assert sorted(p.name for p in (here / "out").iterdir()) == [
        "comparison-copies-1.png",
        "comparison-copies-2.png",
        "comparison.json",
        "comparison.md",
        "comparison.png",
    ]
    plain = the_json(l2laug(*words, "--json"))["comparison"]
    copies = [one["measures"]["copies"]["value"] for one in plain["sets"]]
    (row,) = [row for row in rows if row.startswith("copies")]
    assert [float(cell.rstrip("*")) for cell in row.split()[1:3]] == pytest.approx(copies, rel=1e-3)
    # Five of the twelve threes are the support set.
    assert copies[0] == pytest.approx(5 / 12)


def test_what_is_about_one_run_or_about_several(here: Path, run: Run) -> None:
    two = ["evaluate", run.folder, "other"]
    for words in (["--samples", "x"], ["--max-fid", 0], ["--junit", "x"], ["--max-copies", 0.5]):
        assert f"{words[0]} is about one run" in rejected(2, *two, *words)
    told = rejected(2, *two, "--classifier", "--fail-unless", "helps")
    assert "--fail-unless is about one run" in told
    assert "-o is for a comparison" in rejected(2, "evaluate", run.folder, "-o", "out")
    assert list(here.iterdir()) == []


def test_a_folder_that_is_not_there(here: Path, run: Run, digits: Path) -> None:
    told = rejected(2, "evaluate", run.folder, here / "nowhere", "--dataset", digits)
    assert "No samples at" in told
