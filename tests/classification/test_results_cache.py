"""Finished trainings are found again, whole ones only."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from l2laug.classification.predictions import Answers
from l2laug.classification.results_cache import ResultsCache
from l2laug.core.hashing import array_hash, key_of


def said(guesses: list[int]) -> Answers:
    return Answers(np.array(guesses), np.array(guesses) + 0.5)


def test_what_was_kept_is_found_by_another_process(tmp_path: Path):
    path = tmp_path / "run" / "classifier.jsonl"
    cache = ResultsCache(path)
    for key, guesses in (("a", [0, 1, 2]), ("b", [2, 2, 2])):
        cache.keep(key, {"arm": "none"}, said(guesses))
    cache.keep_loss("c", {"arm": "none"}, 0.125)

    again = ResultsCache(path)

    found = again.find("a")
    assert found is not None
    assert found.guesses.tolist() == [0, 1, 2]
    assert found.margins.tolist() == [0.5, 1.5, 2.5]
    assert again.find("c") is None
    assert (again.find_loss("c"), again.find_loss("a")) == (0.125, None)
    assert [json.loads(line)["arm"] for line in path.read_text().splitlines()] == ["none"] * 3
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("line", ["", '{"key": "b", "gue', "[1]", '{"key": "b"}', "\x00", '"b"'])
def test_a_line_that_can_not_be_read_counts_as_never_written(tmp_path: Path, line: str):
    path = tmp_path / "classifier.jsonl"
    ResultsCache(path).keep("a", {}, said([1]))
    with path.open("a") as opened:
        opened.write(line)

    cache = ResultsCache(path)
    assert cache.find("a") is not None
    assert cache.find("b") is None
    cache.keep("b", {}, said([2]))

    assert ResultsCache(path).find("b") is not None


def test_without_a_file_it_remembers_all_the_same():
    cache = ResultsCache(None)
    cache.keep("a", {}, said([3]))

    assert cache.find("a") is not None


def test_keys_depend_on_every_part_and_not_on_their_order():
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert key_of({"a": 1, "b": 2}) != key_of({"a": 2, "b": 1})


def test_a_hash_tells_values_shapes_and_types_apart():
    zeros = np.zeros((2, 3), np.uint8)
    others = [zeros.T, zeros + 1, zeros.astype(np.int8), zeros[:1]]

    assert array_hash(zeros) == array_hash(np.zeros((4, 3), np.uint8)[::2])
    assert array_hash(zeros) not in [array_hash(other) for other in others]
