"""Pretraining a bundle of changes: it opens and draws, goes on after a cut or from another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from l2laug.artifacts.bundle import Bundle, find_bundle
from l2laug.commands import pretrain_change as changes
from l2laug.commands.adapting.adapt_change import load_change_generator
from l2laug.commands.pretrain import PretrainOptions, pretrain
from l2laug.config.load import parse_recipe
from l2laug.config.recipe import Recipe
from l2laug.core.errors import BundleError
from l2laug.core.progress import Progress
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session


def recipe(steps: int = 4) -> Recipe:
    return parse_recipe(
        {
            "name": "tiny changes",
            "data": {"held_out": 1},
            "generator": {
                "size": 32,
                "channels": 3,
                "encoder": [8, 8, 8, 8],
                "decoder": [8, 8, 8, 8, 8],
                "latent": 6,
                "noise_channels": [2, 1, 1],
            },
            "change": {},
            "change_training": {"steps": steps, "batch": 4},
        },
        "tiny",
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four classes of six noisy one-coloured images."""
    folder, random = tmp_path_factory.mktemp("source"), np.random.default_rng(0)
    for i, colour in enumerate([(200, 30, 30), (30, 200, 30), (30, 30, 200), (180, 180, 30)]):
        (folder / f"class{i}").mkdir()
        for k in range(6):
            noise = random.integers(-30, 30, (40, 50, 3)) + np.array(colour)
            image = Image.fromarray(noise.clip(0, 255).astype(np.uint8))
            image.save(folder / f"class{i}" / f"{k}.png")
    return folder


def trained(source: Path, out: Path, **options: object) -> Bundle:
    session = Session(Engine(torch.device("cpu"), torch.float32), Progress(quiet=True))
    choice = PretrainOptions(**{"recipe": recipe()} | options)
    return pretrain(source, out, choice, session).bundle


def weights(bundle: Bundle) -> dict[str, torch.Tensor]:
    return load_change_generator(bundle, recipe()).state_dict()


@pytest.fixture(scope="module")
def whole(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return trained(source, tmp_path_factory.mktemp("bundles") / "whole")


@torch.no_grad()
def test_it_is_a_bundle_that_draws_changes(whole: Bundle) -> None:
    bundle = find_bundle(str(whole.path))  # checks every file
    assert bundle.info["recipe"]["change"]
    assert (bundle.size, bundle.channels) == (32, 3)
    assert (bundle.info["source"]["classes"], bundle.info["source"]["images"]) == (3, 18)
    assert len(bundle.info["source"]["held_out"]) == 1
    # One-coloured images of a class are nearly the same to the general net.
    assert 0.8 < bundle.info["source"]["similarity"] <= 1
    x, z = torch.rand(2, 3, 32, 32) * 2 - 1, torch.randn(2, 6)
    assert load_change_generator(bundle, recipe())(x, z).image.shape == x.shape
    with Image.open(bundle.file("sheet.png")) as sheet:
        assert sheet.size[0] > sheet.size[1]  # a row for the class held out


def test_a_training_that_was_cut_off_is_gone_on_with(
    whole: Bundle, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class CutError(Exception):
        """The machine is switched off."""

    def cut(*_: object) -> None:
        raise CutError

    with monkeypatch.context() as patch:
        patch.setattr(changes, "write_change_bundle", cut)
        with pytest.raises(CutError):
            trained(source, tmp_path / "cut")
    with monkeypatch.context() as patch:
        patch.setattr(changes.ChangeTrainer, "step", cut)  # nothing is left to learn
        resumed = trained(source, tmp_path / "cut", resume=True)
    mine, theirs = weights(resumed), weights(whole)
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)


def test_it_goes_on_from_another_bundle_and_says_so(
    whole: Bundle, source: Path, tmp_path: Path
) -> None:
    further = trained(source, tmp_path / "further", recipe=recipe(steps=0), start=str(whole.path))
    assert further.info["start"] == {"name": "whole", "sha256": whole.digest}
    mine, theirs = weights(further), weights(whole)
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    torch.manual_seed(0)
    fresh = changes.ChangeGenerator(recipe().generator, recipe().change).half().state_dict()
    assert any(not torch.equal(mine[name], fresh[name].float()) for name in fresh)
    with pytest.raises(BundleError, match="do not fit"):
        trained(source, tmp_path / "other", start="glyphs")
