"""Finding bundles, and finding out that one is damaged."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from l2laug.artifacts.bundle import find_bundle, open_bundle
from l2laug.cli import app
from l2laug.core.errors import BundleError


@pytest.fixture
def bundle(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle to be damaged."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "tiny"))


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_what_pretrain_leaves(tiny_bundle: Path) -> None:
    assert {p.name for p in tiny_bundle.iterdir()} == {
        "README.md",
        "bundle.json",
        "critic.safetensors",
        "features.onnx",
        "gems.safetensors",
        "learned.txt",
        "metrics.jsonl",
        "prototype_classifier.safetensors",
        "sheet.png",
        "source.safetensors",
        "strong.safetensors",
        "weak.safetensors",
    }


def test_what_a_bundle_says_of_itself(tiny_bundle: Path) -> None:
    found = find_bundle(str(tiny_bundle))
    assert (found.name, found.size, found.channels) == ("tiny", 32, 1)
    assert found.info["source"]["classes"] == 8  # ten digits, two held out
    assert found.info["source"]["images"] == 8 * 12
    assert len(found.info["source"]["held_out"]) == 2
    assert found.problems() == []


def test_every_checksum_is_that_of_its_file(tiny_bundle: Path) -> None:
    files = json.loads((tiny_bundle / "bundle.json").read_text())["files"]
    found = {name: hashlib.sha256((tiny_bundle / name).read_bytes()).hexdigest() for name in files}
    assert found == files
    assert len(files) == 9


def test_a_damaged_file_is_named(bundle: Path) -> None:
    damage(bundle / "gems.safetensors")
    with pytest.raises(BundleError, match=r"gems\.safetensors does not match its checksum"):
        find_bundle(str(bundle))


def test_every_problem_is_told(bundle: Path) -> None:
    damage(bundle / "gems.safetensors")
    (bundle / "weak.safetensors").unlink()
    gems, weak = open_bundle(bundle).problems()
    assert "gems.safetensors does not match" in gems
    assert "weak.safetensors is missing" in weak


def test_the_card_may_be_edited(bundle: Path) -> None:
    (bundle / "README.md").write_text("mine")
    assert find_bundle(str(bundle)).name == "tiny"


def test_a_file_that_the_bundle_does_not_have(bundle: Path) -> None:
    with pytest.raises(BundleError, match=r"holds no other\.safetensors"):
        open_bundle(bundle).file("other.safetensors")


@pytest.mark.parametrize("key", ["name", "description", "files", "source", "recipe"])
def test_a_description_that_lacks_something(bundle: Path, key: str) -> None:
    info = json.loads((bundle / "bundle.json").read_text())
    del info[key]
    (bundle / "bundle.json").write_text(json.dumps(info))
    with pytest.raises(BundleError, match=r"bundle\.json is damaged"):
        open_bundle(bundle)


@pytest.mark.parametrize("key", ["similarity", "diversity", "general"])
def test_a_source_that_lacks_what_adapting_measures_by(bundle: Path, key: str) -> None:
    info = json.loads((bundle / "bundle.json").read_text())
    del info["source"][key]
    (bundle / "bundle.json").write_text(json.dumps(info))
    with pytest.raises(BundleError, match=rf"source\.{key}.* missing"):
        open_bundle(bundle)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 2, "name": "a"}', "\x00"])
def test_a_damaged_description(bundle: Path, content: str) -> None:
    (bundle / "bundle.json").write_text(content)
    with pytest.raises(BundleError, match=r"bundle\.json is damaged"):
        open_bundle(bundle)


@pytest.mark.parametrize(
    ("found", "remedy"),
    [(1, "Pretrain it again, or install l2laug 0.1"), (3, "Install a newer l2laug")],
)
def test_another_format_is_told_as_such(bundle: Path, found: int, remedy: str) -> None:
    (bundle / "bundle.json").write_text(json.dumps({"format": found, "all": "new"}))
    with pytest.raises(BundleError, match=f"has format {found}, this l2laug reads 2") as caught:
        open_bundle(bundle)
    assert remedy in caught.value.remedy


def test_a_bundle_tells_which_images_it_learned_from(tiny_bundle: Path, digits: Path) -> None:
    bundle = open_bundle(tiny_bundle)
    learned = dict.fromkeys(digits.rglob("*.png"), False)
    for path in learned:
        pixels = np.asarray(Image.open(path))[None]
        told = repr(pixels.shape).encode() + pixels.tobytes()
        learned[path] = hashlib.sha256(told).hexdigest()[:16] in bundle.learned()
    held_out = bundle.info["source"]["held_out"]
    assert {p for p in learned if not learned[p]} == {
        p for p in learned if p.parent.name in held_out
    }


def test_a_folder_that_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json is missing"):
        open_bundle(tmp_path)


def test_an_unknown_name() -> None:
    with pytest.raises(BundleError, match="hieroglyphs is neither a bundle folder nor"):
        find_bundle("hieroglyphs")


def test_the_command_verifies(bundle: Path) -> None:
    result = CliRunner().invoke(app, ["bundles", str(bundle)])
    assert result.exit_code == 0
    assert result.stdout == "tiny  32x32x1  verified  As small as it gets; for tests.\n"


def test_the_command_names_the_damage_and_has_its_exit_code(bundle: Path) -> None:
    damage(bundle / "strong.safetensors")
    result = CliRunner().invoke(app, ["bundles", str(bundle)])
    assert result.exit_code == 4
    assert "tiny  32x32x1  damaged" in result.stdout
    assert "strong.safetensors does not match its checksum" in result.stderr


def test_the_command_finds_no_bundle(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["bundles", str(tmp_path)])
    assert result.exit_code == 4
    assert result.stdout == ""
    assert result.stderr.startswith(f"error: No bundle at {tmp_path}")
