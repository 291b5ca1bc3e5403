"""Verdicts in sentences and tables, one for each head."""

from __future__ import annotations

from typing import Any

import pytest

from l2laug.reports.verdicts import (
    arms_table,
    markdown_section,
    recalls_table,
    verdict_line,
    verdict_lines,
)
from tests.reports.verdict_entries import entry


def test_the_verdict_stands_in_a_sentence_with_its_figures():
    assert verdict_line("cracks", entry()) == (
        "probe: The samples hurt: do not use them: F1 of cracks changes by -0.123 with classical + "
        "samples, over classical, the best training without samples (95% interval -0.200 to "
        "-0.040). Recall of other changes by -0.125, most of all others. Leave them out."
    )


@pytest.mark.parametrize(
    ("word", "start"),
    [
        ("helps", "probe: The samples help"),
        ("hurts", "probe: The samples hurt"),
        ("unclear", "probe: It is unclear"),
    ],
)
def test_the_verdict_says_its_word(word: str, start: str):
    assert verdict_line("cracks", entry(verdict=word)).startswith(start)


def test_where_heads_differ_it_is_said():
    def lines(*verdicts: str) -> list[str]:
        heads = ("probe", "small", "tune")
        entries = [entry(head, word) for head, word in zip(heads, verdicts, strict=False)]
        return verdict_lines({"class_name": "cracks", "verdicts": entries})

    assert len(lines("helps", "helps")) == 2
    assert lines("helps", "hurts", "helps")[3] == (
        "Classifiers differ: helps for probe, tune; hurts for small. Go by the one that you use."
    )
    assert lines() == []


def test_arms_are_shown_with_strength_rate_and_their_mean_over_the_seeds():
    head, rows = arms_table(entry())
    table = {row[0]: row[1:] for row in rows}

    assert head == [
        "training",
        "strength",
        "C",
        "accuracy",
        "macro f1",
        "rare recall",
        "rare precision",
        "rare f1",
        "rare f1 at best",
        "rare auc",
    ]
    assert table["none"][:3] == ["-", "0.01", "0.500 ± 0.000"]
    assert table["classical"][:3] == ["1.5", "0.01", "0.900 ± 0.141"]
    change = table["classical + samples over classical (95% interval)"]
    assert change[2] == "-0.200 (-0.300 to +0.250)"


def test_recalls_of_every_class_stand_side_by_side():
    _, rows = recalls_table(entry())

    assert rows[0] == [
        "cracks",
        "40",
        "0.250 (0.125 to 0.375)",
        "0.500 (0.375 to 0.625)",
        "+0.250",
    ]
    assert rows[1][-1] == "-0.125"


def test_a_section_for_each_head():
    counts: dict[str, Any] = {"test": 87}

    text = "\n".join(markdown_section([entry(), entry("small")], counts))

    assert "## Classifier: probe" in text
    assert "## Classifier: small" in text
    assert "Trained on 321 real images, tested on 87. Tuned alike. Flips allowed: none." in text
    assert markdown_section([], counts) == []
