"""Fixtures: real scanned digits as class folders, and a tiny bundle and run made from them."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "2")
# What one test run remembers of its machine is its own.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="l2laug-tests-")

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from sklearn.datasets import load_digits

from l2laug.artifacts.model_card import Card
from l2laug.artifacts.run import Run, find_run
from l2laug.config.load import parse_recipe
from l2laug.config.recipe import Recipe
from l2laug.core.progress import Progress

atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)

TINY = {
    "name": "tiny",
    "description": "As small as it gets; for tests.",
    "data": {"held_out": 2},
    "generator": {
        "encoder": [8, 8, 8, 8],
        "decoder": [8, 8, 8, 8, 8],
        "latent": 10,
        "noise_channels": [2, 1, 1],
    },
    "critic": {"width": 8, "max_width": 16, "group": 2},
    "source": {"steps": 4, "batch": 4},
    "weak": {"steps": 2, "batch": 4, "shots": 2},
    "gems": {"steps": 3, "batch": 4},
    "target": {"steps": 2, "tune_steps": 2, "batch": 4},
    "features": {"width": 4, "steps": 10, "batch": 8},
}


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
    root = tmp_path_factory.mktemp("digits")
    data = load_digits()
    for label in range(10):
        (root / str(label)).mkdir()
        for i, scan in enumerate(data.images[data.target == label][:12]):
            pixels = np.rint(255 - scan * 255 / 16).astype(np.uint8)
            Image.fromarray(pixels).resize((32, 32)).save(root / str(label) / f"{i:02d}.png")
    return root


@pytest.fixture(scope="session")
def rare(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first five threes, alone in a class folder ``3``."""
    folder = tmp_path_factory.mktemp("rare") / "3"
    folder.mkdir()
    for path in sorted((digits / "3").iterdir())[:5]:
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


@pytest.fixture(scope="session")
def tiny_recipe_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny recipe as YAML."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_bundle(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle pretrained on the digits with the tiny recipe; treat as read-only."""
    from l2laug.commands.pretrain import pretrain

    out = tmp_path_factory.mktemp("bundles") / "tiny"
    pretrain(digits, out, recipe=parse_recipe(TINY, "tiny"), device="cpu")
    return out


@pytest.fixture(scope="session")
def tiny_run(tiny_bundle: Path, rare: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder adapted from the tiny bundle to five threes; treat as read-only."""
    from l2laug.commands.adapt import adapt

    out = tmp_path_factory.mktemp("runs") / "3"
    adapt(rare, bundle=str(tiny_bundle), out=out, device="cpu")
    return out


@pytest.fixture
def run(tiny_run: Path, tmp_path: Path) -> Run:
    """A copy of the tiny run with 24 samples."""
    from l2laug.sampling.sampler import Sampler
    from l2laug.sampling.writer import write_samples

    found = find_run(Path(shutil.copytree(tiny_run, tmp_path / "run")))
    sampler = Sampler(found.model, device="cpu")
    found.samples.mkdir()
    write_samples(sampler, 24, found.samples, 0, Progress(quiet=True))
    return found
