"""The committed bundle and run are what this version writes: else they must be made anew."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import yaml

from l2laug.artifacts.bundle import open_bundle
from l2laug.config.load import parse_recipe
from l2laug.config.recipe import Recipe
from l2laug.core.hashing import file_hash
from l2laug.sampling.sampler import Sampler
from tests.fixtures import make as fixtures

ANEW = "make them anew: python -m tests.fixtures.make"
MOST = 700_000  # bytes, in all: they lie in every clone


def test_the_bundle_is_whole_and_of_the_tiny_recipe(tiny: Recipe) -> None:
    bundle = open_bundle(fixtures.BUNDLE)
    assert bundle.problems() == [], ANEW
    assert parse_recipe(bundle.info["recipe"], "its own") == tiny, ANEW


def test_the_run_is_of_the_bundle_and_draws() -> None:
    sampler = Sampler(fixtures.RUN / "model.onnx", device="cpu")
    assert sampler.card.bundle_hash == file_hash(fixtures.BUNDLE / "bundle.json"), ANEW
    assert (sampler.card.class_name, len(sampler.card.support_hashes)) == ("3", 5)
    images = np.concatenate([d.pixels for d in sampler.draw(3)])
    assert images.shape == (3, 1, 32, 32)
    assert images.std() > 1


def test_they_are_small() -> None:
    assert sum(p.stat().st_size for p in fixtures.HERE.rglob("*") if p.is_file()) < MOST


def test_they_name_no_place_of_the_machine_they_were_made_on() -> None:
    for path in (fixtures.RUN / "options.yaml", fixtures.BUNDLE / "bundle.json"):
        words = path.read_text(encoding="utf-8").replace("<rare>/", "").split()
        assert not [w for w in words if Path(w.strip("\"',")).is_absolute()]


def check_files_and_keys(bundle: Path, run: Path) -> None:
    """Make sure that a bundle and a run made now have the files and keys of the committed ones."""
    assert names(bundle) == names(fixtures.BUNDLE), ANEW
    assert names(run) == names(fixtures.RUN), ANEW
    for committed, new in (
        (read_json(fixtures.BUNDLE / "bundle.json"), read_json(bundle / "bundle.json")),
        (read_yaml(fixtures.RUN / "options.yaml"), read_yaml(run / "options.yaml")),
    ):
        assert keys(new) == keys(committed), ANEW


def names(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def keys(found: object, at: str = "") -> set[str]:
    """Paths of all keys, those in lists left out."""
    if not isinstance(found, dict):
        return {at}
    return {path for key, value in found.items() for path in keys(value, f"{at}.{key}")}


def read_json(path: Path) -> object:
    return json.loads(path.read_text(encoding="utf-8"))


def read_yaml(path: Path) -> object:
    return yaml.safe_load(path.read_text(encoding="utf-8"))
