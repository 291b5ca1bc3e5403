"""Fixtures: real scanned digits as class folders, and the tiny bundle and run made from them."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "2")  # make test sets 1, for each of two processes
# What one test run remembers of its machine is its own.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="l2laug-tests-")

from pathlib import Path

import pytest
import yaml

from l2laug.artifacts.bundle import write_info
from l2laug.artifacts.model_card import KEY, Card
from l2laug.artifacts.run import Run, find_run
from l2laug.config.load import parse_recipe
from l2laug.config.recipe import Recipe
from l2laug.core.progress import Progress
from tests.fixtures import make as fixtures

atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)

TINY = yaml.safe_load(fixtures.RECIPE.read_text(encoding="utf-8"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run files with slow tests first: with those at the end one of two processes would wait."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def tiny() -> Recipe:
    """A recipe that trains in a second."""
    return parse_recipe(TINY, "tiny")


@pytest.fixture(scope="session")
def card() -> Card:
    """What a model of two support images says of itself."""
    return Card(
        class_name="скол, 三",
        size=32,
        channels=1,
        latent=10,
        bundle="tiny",
        bundle_hash="ab",
        recipe="tiny",
        recipe_hash="cd",
        version="0.1",
        seed=3,
        steps=4,
        acceptance_threshold=0.75,
        support_hashes=("ef", "01"),
    )


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve images of each scanned digit, dark ink on white, as class folders ``0`` to ``9``."""
    return fixtures.draw_digits(tmp_path_factory.mktemp("digits"))


@pytest.fixture(scope="session")
def rare(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first five threes, alone in a class folder ``3``."""
    return fixtures.pick_rare(digits, tmp_path_factory.mktemp("rare") / "3")


@pytest.fixture(scope="session")
def tiny_recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny recipe as YAML."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed bundle, pretrained on the digits with the tiny recipe; treat as read-only."""
    return Path(shutil.copytree(fixtures.BUNDLE, tmp_path_factory.mktemp("bundles") / "tiny"))


@pytest.fixture(scope="session")
def tiny_run(tiny_bundle: Path, rare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed run, adapted from the tiny bundle to five threes; treat as read-only."""
    return fixtures.place_run(tmp_path_factory.mktemp("runs") / "3", rare, tiny_bundle)


@pytest.fixture(scope="session")
def sampled_run(tiny_run: Path, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The tiny run with 24 samples, its bundle learned from other images than digits."""
    from l2laug.sampling.sampler import Sampler
    from l2laug.sampling.writer import write_samples

    folder = tmp_path_factory.mktemp("sampled")
    found = find_run(Path(shutil.copytree(tiny_run, folder / "run")))
    from_elsewhere(found, tiny_bundle, folder / "bundle of other images")
    sampler = Sampler(found.model, device="cpu")
    found.samples.mkdir()
    write_samples(sampler, 24, found.samples, 0, Progress(quiet=True))
    return found


@pytest.fixture
def run(sampled_run: Run, tmp_path: Path) -> Run:
    """A copy of the run with samples; its bundle is to be treated as read-only."""
    return find_run(Path(shutil.copytree(sampled_run.folder, tmp_path / "run")))


def from_elsewhere(run: Run, bundle: Path, place: Path) -> None:
    """Let a run have grown from a bundle with the same weights that saw none of the digits."""
    import onnx

    shutil.copytree(bundle, place)
    info = json.loads((place / "bundle.json").read_text(encoding="utf-8"))
    (place / "learned.txt").write_text("")
    digest = write_info(place, info).digest
    model = onnx.load(run.model)
    said = {prop.key: prop.value for prop in model.metadata_props}
    said[KEY] = json.dumps(json.loads(said[KEY]) | {"bundle_hash": digest})
    onnx.helper.set_model_props(model, said)
    onnx.save(model, run.model)
    options = yaml.safe_load((run.folder / "options.yaml").read_text(encoding="utf-8"))
    options["bundle"] |= {"path": str(place), "sha256": digest}
    (run.folder / "options.yaml").write_text(yaml.safe_dump(options), encoding="utf-8")
