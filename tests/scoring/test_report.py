"""The report that a person reads."""

from __future__ import annotations

from typing import Any

import pytest

from l2laug.scoring.report import render, verdict_line


def outcome(arm: str, seed: int, accuracy: float) -> dict[str, Any]:
    others = dict.fromkeys(("macro_f1", "rare_recall", "rare_precision", "rare_f1"), 0.5)
    return {"arm": arm, "seed": seed, "accuracy": accuracy, **others}


@pytest.fixture
def evaluation() -> dict[str, Any]:
    return {
        "class_name": "cracks",
        "counts": {
            "samples": 1000,
            "support": 5,
            "real_kept_back": 12,
            "train": 321,
            "test": 87,
        },
        "scores": {"fid": 12.3456, "copies": 0.02},
        "extractor": {"name": "glyphs feature net", "sha256": "0123456789abcdef" * 4},
        "notes": ["Distances are measured against 12 images."],
        "classifier": None,
    }


@pytest.fixture
def with_classifier(evaluation: dict[str, Any]) -> dict[str, Any]:
    outcomes = [
        outcome("classical", 0, 0.8),
        outcome("classical", 1, 1.0),
        outcome("classical + l2laug", 0, 0.7),
        outcome("classical + l2laug", 1, 0.7),
    ]
    verdict = {"word": "hurts", "difference": -0.1234, "low": -0.2, "high": -0.04}
    study = {"model": "resnet18", "steps": 400, "seeds": 2}
    return evaluation | {
        "classifier": {"study": study, "outcomes": outcomes, "verdict": verdict},
    }


def rows(text: str) -> list[list[str]]:
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in text.splitlines()
        if line.startswith("|")
    ]


def test_every_score_stands_in_the_table_with_what_it_was_measured_with(
    evaluation: dict[str, Any],
):
    text = render(evaluation)
    table = {row[0]: row[1:] for row in rows(text)}

    assert text.startswith("# cracks")
    assert table["fid"][0] == "12.346"
    assert "glyphs feature net, 0123456789ab" in table["fid"][1]
    assert table["copies"][0] == "0.020"
    assert "1000 samples, 5 support images, 12 real images" in text
    assert "- Distances are measured against 12 images." in text
    assert "Classifier" not in text


def test_arms_are_shown_with_their_mean_over_the_seeds(with_classifier: dict[str, Any]):
    text = render(with_classifier)
    table = {row[0]: row[1:] for row in rows(text)}

    assert table["classical"][0].startswith("0.900 ±")
    assert table["classical + l2laug"][0] == "0.700 ± 0.000"
    assert table["training"][0] == "accuracy"
    assert "resnet18, 400 steps, 2 seeds" in text
    assert "321 real images, tested on 87" in text


def test_the_verdict_stands_at_the_top_with_its_figures(with_classifier: dict[str, Any]):
    line = verdict_line(with_classifier)

    assert line.startswith("The samples hurt: do not use them")
    assert "-0.123" in line
    assert "-0.200 to -0.040" in line
    assert render(with_classifier).splitlines()[2] == f"**{line}**"


@pytest.mark.parametrize(
    ("word", "start"),
    [("helps", "The samples help"), ("unclear", "It is unclear whether")],
)
def test_the_verdict_says_its_word(with_classifier: dict[str, Any], word: str, start: str):
    with_classifier["classifier"]["verdict"]["word"] = word

    assert verdict_line(with_classifier).startswith(start)
