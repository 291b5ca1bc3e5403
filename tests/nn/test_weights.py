"""Weights on disk."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import nn

from l2laug.core.errors import BundleError
from l2laug.nn.weights import load_weights, save_weights


def net(width: int = 4) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, width, 3), nn.BatchNorm2d(width))


def test_parameters_and_buffers_come_back_to_half_precision(tmp_path: Path):
    saved, loaded = net(), net()
    saved.train()(torch.randn(8, 1, 8, 8))
    save_weights(saved, tmp_path / "net.safetensors")

    load_weights(loaded, tmp_path / "net.safetensors")

    for name, value in saved.state_dict().items():
        # Half precision keeps 11 bits.
        assert torch.allclose(loaded.state_dict()[name], value, rtol=2**-11, atol=1e-7), name
        assert loaded.state_dict()[name].dtype == value.dtype
    assert loaded[1].num_batches_tracked == 1


def test_floats_take_two_bytes(tmp_path: Path):
    save_weights(net(), tmp_path / "net.safetensors")

    with safe_open(tmp_path / "net.safetensors", "pt") as opened:
        assert opened.get_tensor("0.weight").dtype == torch.float16
        assert opened.get_tensor("1.num_batches_tracked").dtype == torch.int64


def test_a_file_of_another_architecture_is_refused(tmp_path: Path):
    path = tmp_path / "net.safetensors"
    save_weights(net(8), path)

    with pytest.raises(BundleError, match=r"net\.safetensors"):
        load_weights(net(4), path)


def test_a_damaged_or_missing_file_is_refused(tmp_path: Path):
    path = tmp_path / "net.safetensors"
    save_weights(net(), path)
    path.write_bytes(path.read_bytes()[:-10])

    with pytest.raises(BundleError):
        load_weights(net(), path)
    with pytest.raises(BundleError):
        load_weights(net(), tmp_path / "none.safetensors")
