"""The nearest bundle, and one made from the user's own classes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from l2laug.artifacts.bundle import open_bundle, write_info
from l2laug.commands import adapt as adapting
from l2laug.commands.adapting import select_bundle as choosing
from l2laug.commands.adapting.adapt_class import Plan
from l2laug.commands.adapting.select_bundle import HOME, nearest_bundle, own_bundle
from l2laug.config.load import find_recipe
from l2laug.core.errors import BundleError
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet
from l2laug.runtime.session import Session
from tests.cli.calls import copied, l2laug, rejected


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
    assert choice.describe().index("near ") < choice.describe().index("far ")


def test_bundles_of_the_current_folder_count_too(
    here: Path, tiny_bundle: Path, rare: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(choosing, "list_bundles", lambda: [])
    with pytest.raises(BundleError, match="No bundle"):
        nearest_bundle(class_folders(rare))
    shutil.copytree(tiny_bundle, here / HOME / "mine")

    assert nearest_bundle(class_folders(rare)).bundle.path == HOME / "mine"
    # The shipped ones beside it: how far all are is told, and kept.
    monkeypatch.undo()
    monkeypatch.chdir(here)
    told = nearest_bundle(class_folders(rare)).distances
    assert set(told) == {"glyphs", "photos", str(HOME / "mine")}
    monkeypatch.setattr(choosing, "list_bundles", lambda: [])
    shutil.copytree(tiny_bundle, here / HOME / "old")
    (here / HOME / "old" / "bundle.json").write_text('{"format": 0}')
    assert nearest_bundle(class_folders(rare)).bundle.path == HOME / "mine"


@pytest.mark.slow
def test_source_trains_a_bundle_once_and_adapts_from_it(
    here: Path, digits: Path, tiny_recipe_file: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(digits, here / "all")
    few = copied(here / "all" / "3", here / "all" / "few", 3)
    words = ["adapt", "all/few", "--source", "all", "--recipe", tiny_recipe_file, "--device", "cpu"]
    started = []

    def adapt_class(support: ImageSet, _: Path, run: Path, plan: Plan) -> tuple[str, ...]:
        """Learning a class has tests of its own."""
        started.append((support.classes, plan.bundle.path))
        (run / "model.onnx").write_text("new")
        return ()

    monkeypatch.setattr(adapting, "adapt_class", adapt_class)
    first = l2laug(*words, "--seed", 5)
    assert first.exit_code == 0, first.stderr
    [bundle] = (here / HOME).iterdir()
    info = json.loads((bundle / "bundle.json").read_text())
    assert info["seed"] == 5
    assert info["source"]["classes"] + len(info["source"]["held_out"]) == 10
    assert started == [(("few",), bundle.relative_to(here))]

    def own(seed: int) -> Path:
        recipe = find_recipe(str(tiny_recipe_file))
        return own_bundle(Path("all"), few, recipe, Session.start("cpu", seed=seed)).path

    trained: list[Path] = []

    def pretrain(_: Path, place: Path, *__: object) -> SimpleNamespace:
        trained.append(place)
        return SimpleNamespace(bundle=SimpleNamespace(path=place))

    monkeypatch.setattr(choosing, "pretrain", pretrain)
    assert own(5) == bundle.relative_to(here)
    assert trained == []
    found = {own(5), own(6)}
    (here / "all" / "3" / "00.png").unlink()
    assert len(found | {own(6)}) == 3  # of another seed, and of fewer images
    assert len(trained) == 2


def test_two_bundles_can_not_be_meant(rare: Path, digits: Path):
    told = rejected(2, "adapt", rare, "--bundle", "glyphs", "--source", digits)

    assert "both name a bundle" in told
