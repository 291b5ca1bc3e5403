"""The report that a person reads."""

from __future__ import annotations

from typing import Any

import pytest

from l2laug.reports.markdown import COLUMNS, measure_line, render, verdict_line


def outcome(arm: str, seed: int, accuracy: float) -> dict[str, Any]:
    others = dict.fromkeys(("macro_f1", "rare_recall", "rare_precision", "rare_f1"), 0.5)
    share = 0.5 if "l2laug" in arm else 0.0
    return {"arm": arm, "seed": seed, "share": share, "accuracy": accuracy, **others}


@pytest.fixture
def evaluation() -> dict[str, Any]:
    return {
        "class_name": "cracks",
        "counts": {
            "samples": 1000,
            "support": 5,
            "real_held_out": 12,
            "train": 321,
            "test": 87,
        },
        "scores": {"fid": 12.3456, "copies": 0.02},
        "measures": {
            "fid": {
                "name": "fid",
                "value": 12.3456,
                "low": 11.25,
                "high": 13.5,
                "baseline": 3.21,
                "baseline_low": 3.0,
                "baseline_high": 3.5,
                "samples": 6,
                "real": 5,
                "reading": "farther from real images",
                "too_small": "It takes 258 real images.",
            },
            "copies": {
                "name": "copies",
                "value": 0.02,
                "low": 0.013,
                "high": 0.031,
                "baseline": None,
                "baseline_low": None,
                "baseline_high": None,
                "samples": 1000,
                "real": 5,
                "reading": "not more than among real images",
                "too_small": "",
            },
        },
        "extractor": {
            "name": "glyphs feature net",
            "sha256": "0123456789abcdef" * 4,
            "resizing": "to 64x64, bicubic",
        },
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
    study = {"model": "resnet18", "steps": 400, "seeds": 2, "share": 0.5}
    change = {"difference": -0.2, "low": -0.3, "high": 0.25}
    changes = dict.fromkeys(COLUMNS, change) | {"rare_f1": {**change, "difference": 0.1}}
    found = {
        "outcomes": outcomes,
        "verdict": verdict,
        "compared": {"without": "classical", "with": "classical + l2laug"},
        "changes": changes,
        "advice": "Leave them out.",
    }
    return evaluation | {
        "classifier": {"study": study, **found},
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
    assert table["fid"] == [
        "12.35 (11.2 to 13.5)",
        "3.21 (3 to 3.5)",
        "6 with 5 real",
        "too few images: It takes 258 real images. So far: farther from real images",
    ]
    assert table["copies"] == [
        "0.02 (0.013 to 0.031)",
        "-",
        "1000 with 5 real",
        "not more than among real images",
    ]
    assert "glyphs feature net, SHA-256 0123456789ab, resizing: to 64x64, bicubic" in text
    assert "1000 samples, 5 support images, 12 real images" in text
    assert "- Distances are measured against 12 images." in text
    assert "Classifier" not in text


def test_a_report_without_scores_has_no_table(evaluation: dict[str, Any]):
    assert rows(render(evaluation | {"measures": {}})) == []


def test_a_terminal_gets_a_line_for_each_score(evaluation: dict[str, Any]):
    fid, copies = (measure_line(m) for m in evaluation["measures"].values())

    assert fid == (
        "fid: 12.35 (real images 3.21), 6 against 5 images: farther from real images. "
        "Too few. It takes 258 real images."
    )
    assert copies == "copies: 0.02, 1000 against 5 images: not more than among real images."


def test_arms_are_shown_with_their_mean_over_the_seeds(with_classifier: dict[str, Any]):
    text = render(with_classifier)
    table = {row[0]: row[1:] for row in rows(text)}

    assert table["classical"][0].startswith("0.900 ±")
    assert table["classical + l2laug"][0] == "0.700 ± 0.000"
    assert table["training"][0] == "accuracy"
    change = "classical + l2laug over classical (95% interval)"
    assert table[change][0] == "-0.200 (-0.300 to +0.250)"
    assert table[change][-1] == "+0.100 (-0.300 to +0.250)"
    assert "resnet18, 400 steps, 2 seeds" in text
    assert "321 real images, tested on 87" in text


def test_the_verdict_stands_at_the_top_with_its_figures(with_classifier: dict[str, Any]):
    line = verdict_line(with_classifier)

    assert line.startswith("The samples hurt: do not use them")
    assert "-0.123" in line
    assert "with samples beside classical augmentation over classical augmentation alone" in line
    assert "(95% interval -0.200 to -0.040)" in line
    assert line.endswith("Leave them out.")
    assert render(with_classifier).splitlines()[2] == f"**{line}**"


def test_the_verdict_says_where_classical_augmentation_did_worse(
    with_classifier: dict[str, Any],
):
    with_classifier["classifier"]["compared"] = {"without": "oversampling", "with": "l2laug"}

    line = verdict_line(with_classifier)
    assert "with samples without classical augmentation over oversampling" in line
    assert "l2laug over oversampling (95% interval)" in render(with_classifier)


@pytest.mark.parametrize(
    ("word", "start"),
    [("helps", "The samples help"), ("unclear", "It is unclear whether")],
)
def test_the_verdict_says_its_word(with_classifier: dict[str, Any], word: str, start: str):
    with_classifier["classifier"]["verdict"]["word"] = word

    assert verdict_line(with_classifier).startswith(start)


def test_other_shares_of_samples_have_rows_of_their_own(with_classifier: dict[str, Any]):
    with_classifier["classifier"]["outcomes"] += [
        outcome("classical + l2laug", seed, 0.6) | {"share": 0.25} for seed in (0, 1)
    ]

    table = {row[0]: row[1:] for row in rows(render(with_classifier))}

    assert table["classical + l2laug"][0] == "0.700 ± 0.000"
    assert table["classical + l2laug, 0.25 of the class from samples"][0] == "0.600 ± 0.000"
