"""Gates: which demands an evaluation meets, and what the command ends with."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from l2laug.cli import app
from l2laug.reports.gates import Gates


def evaluation(*words: str | None, **scores: float) -> dict[str, Any]:
    heads = [{"head": f"head {i}", "verdict": word} for i, word in enumerate(words) if word]
    return {"verdicts": heads, "scores": scores}


def test_nothing_demanded_is_always_met():
    assert Gates().failures(evaluation("hurts", fid=1e9, copies=1.0)) == []


@pytest.mark.parametrize(
    ("demanded", "word", "met"),
    [
        ("helps", "helps", True),
        ("helps", "unclear", False),
        ("helps", "hurts", False),
        ("unclear", "helps", True),
        ("unclear", "unclear", True),
        ("unclear", "hurts", False),
        ("helps", None, False),
    ],
)
def test_the_verdict_must_be_as_good_as_demanded(demanded: str, word: str | None, met: bool):
    assert (Gates(verdict=demanded).failures(evaluation(word)) == []) == met


def test_every_classifier_has_to_say_so():
    gates = Gates(verdict="helps")

    assert gates.failures(evaluation("helps", "helps")) == []
    (told,) = gates.failures(evaluation("helps", "unclear"))
    assert "helps (head 0), unclear (head 1)" in told
    assert Gates(verdict="unclear").failures(evaluation("helps", "hurts"))


def test_a_score_may_reach_its_limit_and_not_pass_it():
    assert Gates(max_fid=3.0).failures(evaluation(fid=3.0)) == []
    assert "fid is 3.1" in Gates(max_fid=3.0).failures(evaluation(fid=3.1))[0]


def test_every_failure_is_told_and_a_missing_score_is_one():
    failures = Gates("helps", 0.1, 2.0).failures(evaluation("hurts", fid=9.0))
    assert len(failures) == 3
    assert "no score for copies" in failures[1]


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--max-fid", "0"], 8),
        (["--max-fid", "1000000000"], 0),
        (["--fail-unless", "helps"], 2),
        (["--flips", "maybe"], 2),
        (["--fail-unless", "better", "--classifier"], 2),
        (["--max-copies", "2"], 2),
    ],
)
def test_the_command_ends_with_the_gates_code(
    tiny_run: Path, digits: Path, tmp_path: Path, options: list[str], code: int
):
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    assert CliRunner().invoke(app, ["sample", str(run), "-n", "8"]).exit_code == 0

    result = CliRunner().invoke(app, ["evaluate", str(run), "--dataset", str(digits), *options])

    assert result.exit_code == code, result.stderr
    assert (run / "report.json").exists() == (code != 2)
