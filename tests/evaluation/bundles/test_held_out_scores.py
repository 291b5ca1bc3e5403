"""Scores of held-out classes: what is kept is found again, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from l2laug.evaluation.bundles.held_out_scores import HeldOutScores, KeptScores
from l2laug.reports.tables import score_table

SCORES = HeldOutScores(9.5, 8.25, 9.0, 7.5, 0.96, 0.02, error=0.5)


def test_scores_come_back_as_they_were_kept(tmp_path: Path):
    kept = KeptScores(tmp_path / "new")
    assert kept.find("seed-0") is None
    kept.keep("seed-0", {"strong": SCORES})

    assert KeptScores(tmp_path / "new").find("seed-0") == {"strong": SCORES}
    assert kept.find("seed-1") is None


@pytest.mark.parametrize(
    "other", [asdict(SCORES), {"strong": {**asdict(SCORES), "new": 1}}, {"strong": {"fid": 9.5}}]
)
def test_scores_of_another_version_are_not_known(other: object, tmp_path: Path):
    (tmp_path / "seed-0.json").write_text(json.dumps(other))

    assert KeptScores(tmp_path).find("seed-0") is None


def test_without_a_folder_nothing_is_kept():
    kept = KeptScores(None)
    kept.keep("seed-0", {"strong": SCORES})

    assert kept.find("seed-0") is None


def test_the_table_has_mean_and_deviation_and_leaves_out_what_was_not_measured():
    table = score_table({"strong": [SCORES, HeldOutScores(10.5, 8.25, 9.0, 7.5, 0.96, 0.02)]})

    row = table.splitlines()[-1].split(" | ")
    assert row[:2] == ["| strong", "10.000 \u00b1 0.707"]
    assert row[-2:] == ["0.500 \u00b1 -", "- |"]
