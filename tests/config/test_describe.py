"""The key tables of docs/recipes.md: up to date, and all keys in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from l2laug.config.describe import BEGIN, COMMAND, END, key_tables, with_tables

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"


def test_the_page_is_up_to_date() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert with_tables(text) == text, f"docs/recipes.md is stale: run {COMMAND}"


@pytest.mark.parametrize(
    "row",
    [
        "| `name` | required | text | Shown to people. |",
        "| `generator.channels` | `1` | `1`, `3` |",
        '| `data.class_augmentation` | `[]` | list of: `"rot90"`, `"flip"`, `"invert"` |',
        "| `weak.classes` | `100` | whole ≥ 1 or null |",
        "| `generator.clip_margin` | `0.0` | number ≥ 0, < 0.5 |",
        "| `.steps` | `12000` | `150` | `400` | `40` | whole ≥ 0, ≤ 100,000,000 |",
    ],
)
def test_a_row_gives_default_and_values(row: str) -> None:
    assert f"\n{row}" in f"\n{key_tables()}"


def test_text_around_the_tables_stays() -> None:
    page = with_tables(f"before\n{BEGIN}\nold\n{END}\nbehind\n")
    assert page.startswith(f"before\n{BEGIN}\n")
    assert page.endswith(f"{END}\nbehind\n")
    assert "\nold\n" not in page
    with pytest.raises(ValueError, match="marks"):
        with_tables("no marks")
