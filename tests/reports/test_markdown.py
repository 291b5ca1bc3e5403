"""The report that a person reads."""

from __future__ import annotations

from typing import Any

import pytest

from l2laug.reports.markdown import measure_line, render
from l2laug.reports.verdicts import verdict_line
from tests.reports.verdict_entries import entry

FID: dict[str, Any] = {
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
    "chance_low": None,
    "chance_high": None,
}


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
            "fid": FID,
            "kid": FID | {"name": "kid", "chance_low": -1.5, "chance_high": 2.5},
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
                "chance_low": None,
                "chance_high": None,
            },
        },
        "extractor": {
            "name": "glyphs feature net",
            "sha256": "0123456789abcdef" * 4,
            "resizing": "to 64x64, bicubic",
        },
        "notes": ["Distances are measured against 12 images."],
        "near_identical": [],
        "verdicts": [],
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
    assert table["kid"] == [
        "12.35 (11.2 to 13.5)",
        "3.21 (3 to 3.5)",
        "6 with 5 real",
        "too few images: It takes 258 real images. So far: farther from real images "
        "(by chance -1.5 to 2.5)",
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


def test_fid_stands_below_the_table_in_small_print(evaluation: dict[str, Any]):
    text = render(evaluation)

    [small] = [line for line in text.splitlines() if line.startswith("<sub>")]
    assert small.startswith("<sub>FID 12.35 (11.2 to 13.5), real images 3.21 (3 to 3.5), 6 with 5")
    assert "most of it is bias" in small
    assert "fid" not in [row[0] for row in rows(text)]
    del evaluation["measures"]["fid"]
    assert "<sub>" not in render(evaluation)


def test_near_identical_images_are_listed_some_dozens_at_most(evaluation: dict[str, Any]):
    found = [
        {"file": f"{i}.png", "side": "test", "other": "a.png", "other_side": "test", "symmetry": ""}
        for i in range(53)
    ]
    table = rows(render(evaluation | {"near_identical": found}))

    assert ["0.png", "test", "a.png", "test", "as it is"] in table
    assert ["49.png", "test", "a.png", "test", "as it is"] in table
    assert table[-1][0] == "3 more are in report.json"
    assert "Near-identical" not in render(evaluation)


def test_a_report_without_scores_has_no_table(evaluation: dict[str, Any]):
    assert rows(render(evaluation | {"measures": {}})) == []


def test_a_terminal_gets_a_line_for_each_score(evaluation: dict[str, Any]):
    fid, kid, copies = (measure_line(m) for m in evaluation["measures"].values())

    assert fid == (
        "fid: 12.35 (real images 3.21), 6 against 5 images: farther from real images. "
        "Too few. It takes 258 real images."
    )
    assert "farther from real images (by chance -1.5 to 2.5). Too few." in kid
    assert copies == "copies: 0.02, 1000 against 5 images: not more than among real images."


def test_verdicts_stand_at_the_top_and_their_tables_below(evaluation: dict[str, Any]):
    text = render(evaluation | {"verdicts": [entry()]})
    table = {row[0]: row[1:] for row in rows(text)}

    assert text.splitlines()[2] == f"**{verdict_line('cracks', entry())}**"
    assert table["classical"][2] == "0.900 ± 0.141"
    assert "## Classifier: probe" in text
