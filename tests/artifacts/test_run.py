"""Which run a command takes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from l2laug.artifacts.run import find_run
from l2laug.core.errors import UsageError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(folder: Path, time: int = 0) -> Path:
    folder.mkdir(parents=True)
    model = folder / "model.onnx"
    model.touch()
    os.utime(model, (time, time))
    return model


def test_the_newest_run_is_taken(here: Path) -> None:
    make(here / "l2laug-runs" / "crack", 200)
    make(here / "l2laug-runs" / "dent", 300)
    make(here / "l2laug-runs" / "scratch", 100)
    (here / "l2laug-runs" / "unfinished").mkdir()
    assert find_run(None).folder == Path("l2laug-runs/dent")


def test_no_run_says_how_to_get_one(here: Path) -> None:
    make(here / "elsewhere" / "crack")
    with pytest.raises(UsageError, match="l2laug adapt FOLDER"):
        find_run(None)


def test_a_run_by_its_folder_or_its_model(tmp_path: Path) -> None:
    model = make(tmp_path / "crack")
    for given in (tmp_path / "crack", model):
        run = find_run(given)
        assert run.model == model
        assert run.samples == tmp_path / "crack" / "samples"


@pytest.mark.parametrize("name", ["empty", "nowhere"])
def test_a_path_without_a_model_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=name):
        find_run(tmp_path / name)
