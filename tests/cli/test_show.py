"""l2laug show, on the committed run and on models with other originals."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest

from l2laug.artifacts.model_card import ORIGINAL
from l2laug.core.hashing import file_hash
from l2laug.data.images.originals import Original
from tests.cli.calls import l2laug, rejected, the_json


@pytest.fixture
def model(tiny_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(tiny_run / "model.onnx", tmp_path / "model.onnx"))


def with_originals(model: Path, originals: dict[int, Original | None]) -> None:
    found = onnx.load(model)
    said = {prop.key: prop.value for prop in found.metadata_props}
    for row, original in originals.items():
        del said[f"{ORIGINAL}.{row}"]
        if original is not None:
            said[f"{ORIGINAL}.{row}"] = original.to_text()
    onnx.helper.set_model_props(found, said)
    onnx.save(found, model)


def test_what_the_file_holds_as_json(tiny_run: Path, here: Path):
    shown = the_json(l2laug("show", tiny_run, "--json"))["model"]

    assert (shown["class_name"], shown["bundle"], shown["support"]) == ("3", "tiny", 5)
    assert shown["bytes"] == (tiny_run / "model.onnx").stat().st_size
    assert shown["sha256"] == file_hash(tiny_run / "model.onnx")
    one = {"width": 32, "height": 32, "channels": 1, "alpha": False, "precision": "uint8"}
    assert shown["originals"] == [one] * 5
    assert list(here.iterdir()) == [], "nothing is written"


def test_a_person_is_told_whose_images_they_are(tiny_run: Path):
    told = l2laug("show", tiny_run).stdout

    assert "class: 3, adapted from 5 images" in told
    assert "bundle tiny" in told
    assert "holds 5 images of the class at 32x32: share the file only as you would" in told
    assert "holds at its own size: 5 of 32x32 grey, 8 bits" in told


def test_size_depth_and_alpha_of_originals_are_told(model: Path):
    deep = Original(np.full((10, 20, 1), 40000, np.uint16), 1)
    clear = Original(np.full((7, 9, 4), 200, np.uint8), 3)
    bands = Original(np.full((6, 5, 7), 0.5, np.float32), 7)
    with_originals(model, {0: deep, 1: clear, 2: bands})

    told = l2laug("show", model).stdout

    assert "1 of 20x10 grey, 16 bits" in told
    assert "1 of 9x7 RGB and alpha, 8 bits" in told
    assert "1 of 5x6 7 channels, 32-bit floats" in told
    assert "2 of 32x32 grey, 8 bits" in told


def test_a_file_that_lacks_an_image_is_damaged(model: Path):
    with_originals(model, {3: None})

    assert "lacks an image that it says it holds" in rejected(4, "show", model)


def test_another_onnx_file_is_no_model(tmp_path: Path):
    (tmp_path / "other.onnx").write_bytes(b"something")

    assert "can't be loaded" in rejected(4, "show", tmp_path / "other.onnx")
