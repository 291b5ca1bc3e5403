"""The nearest bundle, and one made from the user's own classes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from l2laug.artifacts.bundle import open_bundle, write_info
from l2laug.commands.adapting import select_bundle as choosing
from l2laug.commands.adapting.select_bundle import HOME, nearest_bundle
from l2laug.core.errors import BundleError
from l2laug.data.folders import class_folders
from tests.cli.calls import contents, copied, l2laug, rejected, the_json


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def further(bundle: Path, to: Path, factor: float) -> Path:
    """A copy of a bundle whose own unseen classes lie nearer, so that all others seem farther."""
    shutil.copytree(bundle, to)
    info = json.loads((to / "bundle.json").read_text())
    info["source"]["general"]["median"] /= factor
    info["name"] = to.name
    write_info(to, info)
    return to


def test_the_nearest_bundle_is_taken_and_all_distances_are_told(
    here: Path, tiny_bundle: Path, rare: Path, monkeypatch: pytest.MonkeyPatch
):
    far, near = (further(tiny_bundle, here / name, f) for name, f in (("far", 4), ("near", 2)))
    monkeypatch.setattr(choosing, "list_bundles", lambda: [open_bundle(p) for p in (far, near)])
    choice = nearest_bundle(class_folders(rare))

    assert choice.bundle.path == near
    assert list(choice.distances) == ["near", "far"]
    assert choice.distances["far"] == pytest.approx(2 * choice.distances["near"])
    assert "near" in choice.describe()


def test_bundles_of_the_current_folder_count_too(
    here: Path, tiny_bundle: Path, rare: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(choosing, "list_bundles", lambda: [])
    with pytest.raises(BundleError, match="No bundle"):
        nearest_bundle(class_folders(rare))
    shutil.copytree(tiny_bundle, here / HOME / "mine")

    assert nearest_bundle(class_folders(rare)).bundle.path == HOME / "mine"
    shutil.copytree(tiny_bundle, here / HOME / "old")
    (here / HOME / "old" / "bundle.json").write_text('{"format": 0}')
    assert nearest_bundle(class_folders(rare)).bundle.path == HOME / "mine"


def test_the_distances_are_kept(here: Path, rare: Path, tiny_bundle: Path):
    shutil.copytree(tiny_bundle, here / HOME / "mine")
    [adapted] = the_json(l2laug("adapt", rare, "--device", "cpu", "--budget", "1s", "--json"))[
        "adapted"
    ]

    assert set(adapted["distances"]) == {"glyphs", "photos", "steel", str(HOME / "mine")}


@pytest.mark.slow
def test_source_trains_a_bundle_once_and_adapts_from_it(
    here: Path, digits: Path, tiny_recipe_file: Path
):
    shutil.copytree(digits, here / "all")
    copied(here / "all" / "3", here / "all" / "few", 3)
    words = ["adapt", "all/few", "--source", "all", "--recipe", tiny_recipe_file, "--device", "cpu"]
    words += ["--seed", 5]
    first = l2laug(*words)
    assert first.exit_code == 0, first.stderr
    [bundle] = (here / HOME).iterdir()
    info = json.loads((bundle / "bundle.json").read_text())
    assert info["seed"] == 5
    assert info["source"]["classes"] + len(info["source"]["held_out"]) == 10
    assert (here / "l2laug-runs" / "few" / "model.onnx").is_file()

    before = contents(bundle)
    again = l2laug(*words, "--overwrite")
    assert again.exit_code == 0, again.stderr
    assert "was trained on all before" in again.stderr
    assert contents(bundle) == before

    (here / "all" / "3" / "00.png").unlink()
    assert l2laug(*words, "--overwrite").exit_code == 0
    assert len(list((here / HOME).iterdir())) == 2


def test_two_bundles_can_not_be_meant(rare: Path, digits: Path):
    told = rejected(2, "adapt", rare, "--bundle", "glyphs", "--source", digits)

    assert "both name a bundle" in told
