"""bundles verify: what is sound and what is not, of bundles and models from elsewhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from l2laug.artifacts.bundle import write_info
from tests.cli.calls import l2laug, rejected, the_json


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_bundle, tmp_path / "b"))


def signed(bundle: Path) -> Path:
    """With checksums of what is there now, as somebody who means harm would write them."""
    write_info(bundle, json.loads((bundle / "bundle.json").read_text()))
    return bundle


def test_what_adapt_and_pretrain_wrote_is_sound(bundle: Path, tiny_run: Path) -> None:
    result = l2laug("bundles", "verify", bundle, tiny_run, tiny_run / "model.onnx", "--json")
    assert result.exit_code == 0
    found = the_json(result)["verified"]
    assert [(one["kind"], one["problems"]) for one in found] == [("bundle", [])] + [
        ("model", [])
    ] * 2
    assert "features.onnx: plain operators, weights inside" in found[0]["checked"]


def test_weights_that_are_no_numbers_or_no_weights_are_named(bundle: Path) -> None:
    weights = load_file(bundle / "strong.safetensors")
    name = next(name for name, values in weights.items() if values.dtype.kind == "f")
    weights[name] = np.full_like(weights[name], np.nan)
    save_file(weights, bundle / "strong.safetensors")
    (bundle / "weak.safetensors").write_bytes(b"\x80\x04pickle")
    told = l2laug("bundles", "verify", signed(bundle))
    assert told.exit_code == 4
    assert f"strong.safetensors holds values that are no numbers ({name})" in told.stdout
    assert "weak.safetensors is no safetensors file" in told.stdout


def test_strange_files_changed_ones_and_paths_outside_are_named(bundle: Path) -> None:
    (bundle / "run.py").write_text("print()")
    (bundle / "learned.txt").write_text("other")
    told = l2laug("bundles", "verify", bundle).stdout
    assert "run.py is not named in bundle.json" in told
    assert "learned.txt does not match its checksum" in told
    info = json.loads((bundle / "bundle.json").read_text())
    info["files"]["../../etc/passwd"] = "0"
    (bundle / "bundle.json").write_text(json.dumps(info))
    assert "names files outside of its folder" in rejected(4, "bundles", "verify", bundle)
    (bundle / "bundle.json").write_text("[" * 100_000)
    assert "is damaged" in rejected(4, "bundles", "verify", bundle)


def test_code_in_a_bundle_is_named(bundle: Path) -> None:
    (bundle / "net.pkl").write_bytes(b"\x80\x04.")
    told = l2laug("bundles", "verify", signed(bundle)).stdout
    assert "net.pkl is of a kind that bundles do not hold" in told


def test_what_is_neither_is_said(tmp_path: Path) -> None:
    assert "neither a bundle nor a model" in rejected(4, "bundles", "verify", tmp_path)
