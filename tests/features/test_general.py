"""The general net tells kinds of pictures apart, takes grey, and names files that do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from l2laug.artifacts.bundle import list_bundles
from l2laug.core.arrays import Pixels
from l2laug.core.errors import BundleError
from l2laug.core.resources import shipped
from l2laug.data.images.contact_sheet import GAP
from l2laug.features.general import (
    WIDTH,
    GeneralNet,
    cosine_distance,
    general_features,
    load_general_net,
)


@pytest.fixture(scope="module")
def net() -> GeneralNet:
    return load_general_net()


def given(name: str, cell: int, count: int = 8) -> Pixels:
    """The first column of a shipped bundle's sheet: real images that the net has never seen."""
    sheet = np.asarray(Image.open(shipped("models") / name / "sheet.png").convert("RGB"))
    rows = [sheet[GAP + i * (cell + GAP) :, GAP:][:cell, :cell] for i in range(count)]
    small = [np.asarray(Image.fromarray(row).resize((64, 64))) for row in rows]
    return np.stack(small).transpose(0, 3, 1, 2)


def test_pictures_of_one_kind_are_nearest_to_each_other(net: GeneralNet) -> None:
    kinds = [("glyphs", 64), ("photos", 64)]
    found = np.concatenate([general_features(net, given(*kind)) for kind in kinds])
    labels = np.repeat(np.arange(2), 8)
    unit = found / np.linalg.norm(found, axis=1, keepdims=True)
    alike = unit @ unit.T
    np.fill_diagonal(alike, -1)
    assert found.shape == (16, WIDTH)
    assert (labels[alike.argmax(1)] == labels).mean() > 0.9


def test_one_grey_channel_is_as_three(net: GeneralNet) -> None:
    grey = np.random.default_rng(0).integers(0, 256, (3, 1, 48, 64), np.uint8)
    assert np.allclose(
        general_features(net, grey), general_features(net, np.repeat(grey, 3, 1)), atol=1e-5
    )


def test_gradients_reach_the_images_and_not_the_weights(net: GeneralNet) -> None:
    x = torch.rand(2, 3, 64, 64, requires_grad=True)
    cosine_distance(net.train()(x), torch.ones(2, WIDTH)).sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    assert not net.net.training
    assert all(p.grad is None for p in net.parameters())


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="can't be read"):
        GeneralNet(tmp_path / "none.safetensors")
    save_file({"other": torch.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(BundleError, match="other tensors"):
        GeneralNet(tmp_path / "other.safetensors")


def test_its_folder_is_no_bundle() -> None:
    assert "general" not in [bundle.name for bundle in list_bundles()]
