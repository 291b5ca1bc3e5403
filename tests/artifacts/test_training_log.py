"""The log of a training: one line of JSON each, none twice after a stop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from l2laug.artifacts.training_log import TrainingLog, read_training_log
from l2laug.core.errors import OutputError


def steps(lines: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(line["phase"], line["step"]) for line in lines]


def test_every_line_is_an_object_of_its_own(tmp_path: Path):
    log = TrainingLog(tmp_path / "metrics.jsonl")
    log.begin("target")
    log.write(0, evaluation={"distance": 2.0, "copies": None})
    log.write(5, losses={"critic": 1.5})

    lines = [json.loads(x) for x in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line.pop("seconds") >= 0 for line in lines] == [True, True]
    assert lines == [
        {"phase": "target", "step": 0, "evaluation": {"distance": 2.0, "copies": None}},
        {"phase": "target", "step": 5, "losses": {"critic": 1.5}},
    ]


def test_steps_that_come_again_are_not_there_twice(tmp_path: Path):
    """Cut off after step 7, gone on with from a checkpoint of step 4."""
    path = tmp_path / "metrics.jsonl"
    log = TrainingLog(path)
    log.begin("feature_net")
    log.write(9, losses={})
    log.begin("source")
    for step in range(1, 8):
        log.write(step, losses={})
    with path.open("a") as file:
        file.write('{"phase": "source", "st')  # torn by the kill

    log = TrainingLog(path)
    log.begin("source", 4)
    for step in range(5, 9):
        log.write(step, losses={})

    wanted = [("feature_net", 9), *(("source", step) for step in range(1, 9))]
    assert steps(read_training_log(path)) == wanted
    assert steps(log.lines) == wanted
    seconds = [x["seconds"] for x in log.lines[1:]]
    assert seconds == sorted(seconds)  # they go on too


def test_a_phase_that_starts_anew_leaves_nothing_of_the_one_before(tmp_path: Path):
    for _ in range(2):
        log = TrainingLog(tmp_path / "metrics.jsonl")
        log.begin("target")
        log.write(0, evaluation={})
        log.write(5, losses={})

    assert steps(read_training_log(tmp_path / "metrics.jsonl")) == [("target", 0), ("target", 5)]


def test_what_was_trained_before_comes_first(tmp_path: Path):
    before = TrainingLog()
    before.begin("base")
    before.write(5, losses={"critic": 1.0})

    log = TrainingLog(tmp_path / "metrics.jsonl", before.lines)
    log.begin("target")
    log.write(5, losses={"critic": 2.0})

    assert steps(read_training_log(tmp_path / "metrics.jsonl")) == [("base", 5), ("target", 5)]


def test_no_log_has_no_lines(tmp_path: Path):
    assert read_training_log(tmp_path / "metrics.jsonl") == []


def test_a_log_that_cannot_be_written_says_so(tmp_path: Path):
    log = TrainingLog(tmp_path / "metrics.jsonl")
    (tmp_path / "metrics.jsonl").mkdir()

    with pytest.raises(OutputError, match=r"metrics\.jsonl can't be written"):
        log.write(1, losses={})
