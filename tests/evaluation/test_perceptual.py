"""Perceptual diversity, with AlexNet's weights at random."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision

from l2laug.core.arrays import Pixels
from l2laug.core.errors import BundleError
from l2laug.evaluation.perceptual import lpips_distance, mean_with_range, perceptual_diversity

lpips = pytest.importorskip("lpips", reason="needs l2laug[lpips]")


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The part of an AlexNet's state that LPIPS looks at, at random."""
    torch.manual_seed(0)
    state = torchvision.models.alexnet().state_dict()
    path = tmp_path_factory.mktemp("weights") / "alexnet.pth"
    torch.save({k: v for k, v in state.items() if k.startswith("features.")}, path)
    return path


def noise(count: int, seed: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (count, 1, 32, 32), dtype=np.uint8)


def test_it_is_lpips_own_distance(weights: Path):
    one, other = noise(3, 0), noise(3, 1)
    # The library itself, its backbone loaded by the layers' places.
    net = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False).eval()
    state = torch.load(weights, weights_only=True)
    layers = [m for m in net.net.modules() if isinstance(m, torch.nn.Conv2d)]
    for layer, number in zip(layers, (0, 3, 6, 8, 10), strict=True):
        layer.weight.data = state[f"features.{number}.weight"]
        layer.bias.data = state[f"features.{number}.bias"]

    def large(pixels: Pixels) -> torch.Tensor:
        x = torch.from_numpy(pixels).float() / 127.5 - 1
        x = torch.nn.functional.interpolate(x, (64, 64), mode="bicubic", antialias=True)
        return x.expand(-1, 3, -1, -1)

    with torch.no_grad():
        expected = net(large(one), large(other)).flatten().numpy()
    found = lpips_distance(weights, "cpu")(one, other)
    assert found == pytest.approx(expected, rel=1e-4)
    assert lpips_distance(weights, "cpu")(one, one) == pytest.approx(0, abs=1e-7)


def test_samples_that_are_all_alike_vary_less(weights: Path):
    alike = np.clip(noise(1, 0).astype(int) + noise(20, 1) // 8, 0, 255).astype(np.uint8)
    found = perceptual_diversity(alike, noise(20, 2), weights, "cpu")
    level = perceptual_diversity(noise(20, 3), noise(20, 2), weights, "cpu")

    assert found is not None
    assert level is not None
    assert found.baseline is not None
    assert found.value < found.baseline
    assert found.reading == "samples vary less than real images"
    assert "no difference from real images" in level.reading
    assert (level.low <= level.value <= level.high, level.too_small) == (True, "")


def test_too_few_images_are_said_to_be(weights: Path):
    found = perceptual_diversity(noise(5, 0), noise(3, 1), weights, "cpu")

    assert found is not None
    assert (found.samples, found.real) == (3, 3)
    assert "It takes 20" in found.too_small
    assert perceptual_diversity(noise(1, 0), noise(3, 1), weights, "cpu") is None


def test_the_mean_and_its_range_by_hand():
    random = np.random.default_rng(0)

    assert mean_with_range(np.array([1.0, 2, 3]), 3, random)[0] == 2
    assert mean_with_range(np.full(45, 4.0), 10, random) == (4, 4, 4)
    # Two kinds, 1 apart: bootstraps hold 0.53 of their pairs between kinds at most.
    kinds = np.arange(20) % 2
    rows, columns = np.triu_indices(20, 1)
    mean, low, high = mean_with_range((kinds[rows] != kinds[columns]) * 1.0, 20, random)
    assert mean == pytest.approx(100 / 190)
    assert 0.35 < low < high < 0.58


def test_weights_that_are_none(tmp_path: Path):
    with pytest.raises(BundleError, match="no weights at nowhere"):
        lpips_distance(Path("nowhere"))
    (tmp_path / "bad.pth").write_bytes(b"no weights")
    with pytest.raises(BundleError, match="holds no weights"):
        lpips_distance(tmp_path / "bad.pth")
    torch.save({"features.0.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(BundleError, match="holds no weights"):
        lpips_distance(tmp_path / "other.pth")
