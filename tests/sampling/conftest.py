"""A model that changes pictures of several sizes and depths, exported once for all that need it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from l2laug.artifacts.model_card import Card
from l2laug.config.recipe import GeneratorOptions
from l2laug.core.arrays import pixel_hash
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.data.images.originals import read_original
from l2laug.nn.generator import Generator
from l2laug.nn.onnx_export import TargetModel, export_model

SMALL = {"encoder": (8, 8, 8, 8), "decoder": (8, 8, 8, 8, 8), "latent": 10}
RANDOM = np.random.default_rng(0)


def smooth(h: int, w: int, channels: int) -> NDArray[np.uint8]:
    coarse = RANDOM.integers(40, 216, (4, 4, channels)).astype(np.uint8)
    planes = [
        np.asarray(Image.fromarray(coarse[..., c]).resize((w, h), Image.Resampling.BICUBIC))
        for c in range(channels)
    ]
    return np.stack(planes, 2)


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A wide photograph, a tall one with alpha, a grey scan and one of 16 bits a colour."""
    folder = tmp_path_factory.mktemp("originals")
    Image.fromarray(smooth(48, 96, 3)).save(folder / "0.png")
    Image.fromarray(smooth(80, 40, 4)).save(folder / "1.png")
    Image.fromarray(smooth(50, 50, 1)[..., 0]).save(folder / "2.png")
    tifffile.imwrite(folder / "3.tif", smooth(40, 60, 3).astype(np.uint16) * 257, photometric="rgb")
    return sorted(folder.iterdir())


@pytest.fixture(scope="session")
def model(files: list[Path], card: Card, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grey model that warps a little and draws a little over."""
    support: ImageSet = read_classes({"a": files}, 32, 1)
    torch.manual_seed(0)
    generator = Generator(GeneratorOptions(**SMALL, warp=0.2, warp_maps=True))
    with torch.no_grad():
        generator.train()(torch.rand(8, 1, 32, 32), torch.randn(8, 10))
    nn.init.normal_(generator.flow.weight, std=0.05)
    path = tmp_path_factory.mktemp("native") / "model.onnx"
    hashes = tuple(map(pixel_hash, support.pixels))
    about: dict[str, Any] = vars(card) | {
        "class_name": "a",
        "support_hashes": hashes,
        "acceptance_threshold": -1.0,
        "originals": 4,
    }
    originals = [read_original(file).to_text() for file in files]
    target = TargetModel(generator.eval(), nn.ModuleDict(), None)
    export_model(target, support, Card(**about), path, originals)
    return path
