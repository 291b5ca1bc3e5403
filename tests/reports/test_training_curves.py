"""Curves of a training: as many as its log has losses, none where there is no log."""

from __future__ import annotations

import json
from pathlib import Path

from l2laug.reports.training_curves import MOST_POINTS, training_curves


def test_each_loss_of_each_phase_is_a_curve(tmp_path: Path):
    lines = [
        {"phase": "target", "step": 5, "seconds": 1, "losses": {"critic": 2.5, "warp": 0.5}},
        {"phase": "target", "step": 5, "seconds": 1, "evaluation": {"distance": 3.0}},
        {"phase": "target", "step": 10, "seconds": 2, "losses": {"critic": 1.5}},
        {"phase": "base", "step": 5, "seconds": 1, "losses": {"critic": 9.0}},
        {"phase": "base", "step": 10, "seconds": 1, "losses": {"critic": 8.0}},
    ]
    log = tmp_path / "metrics.jsonl"
    log.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"phase": "tar')

    target, base = training_curves(log)  # one point of "warp" is no curve

    assert (target.title, target.points) == ("Adapting: critic", [(5, 2.5), (10, 1.5)])
    assert (base.title, base.points) == ("Base classes: critic", [(5, 9), (10, 8)])


def test_without_a_log_or_with_a_strange_one_there_is_no_curve(tmp_path: Path):
    log = tmp_path / "metrics.jsonl"
    assert training_curves(log) == []
    log.write_text('[1]\n3\n{}\n{"phase": "target", "losses": {"critic": null}}\n')
    assert training_curves(log) == []


def test_a_long_training_is_thinned_and_keeps_its_ends(tmp_path: Path):
    log = tmp_path / "metrics.jsonl"
    lines = [{"phase": "target", "step": i, "losses": {"a": i / 2}} for i in range(1, 1002)]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))

    (curve,) = training_curves(log)

    assert len(curve.points) <= MOST_POINTS + 1
    assert (curve.points[0], curve.points[-1]) == ((1, 0.5), (1001, 500.5))
