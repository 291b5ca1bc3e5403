"""Which device and precision are taken."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest
import torch
from torch import nn

from l2laug.core.errors import DeviceError, UsageError
from l2laug.runtime import precision
from l2laug.runtime.device import Engine, pick_engine

CPU = torch.device("cpu")


def test_an_unknown_device_is_wrong_use():
    with pytest.raises(UsageError, match="tpu"):
        pick_engine("tpu")


@pytest.mark.parametrize(("gain", "dtype"), [(1.3, torch.float32), (1.4, torch.bfloat16)])
def test_cuda_that_is_not_there_is_an_error_and_auto_takes_the_cpu(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gain: float, dtype: torch.dtype
):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path))
    monkeypatch.setattr(precision, "gain", lambda _: gain)  # of bfloat16 over float32

    with pytest.raises(DeviceError, match="cuda"):
        pick_engine("cuda")
    engine = pick_engine("auto")
    assert engine.device == CPU
    assert engine.dtype == dtype


def test_cpu_is_taken_where_there_is_a_gpu_too(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)

    assert pick_engine("cpu").device == CPU


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_convolutions_run_in_the_precision_of_the_engine(dtype: torch.dtype):
    engine = Engine(CPU, dtype)
    conv = engine.place(nn.Conv2d(4, 4, 3))

    with engine.autocast():
        assert conv(torch.zeros(1, 4, 8, 8)).dtype == dtype
    assert conv.weight.dtype == torch.float32
    assert conv.weight.is_contiguous(memory_format=torch.channels_last)


def test_the_log_names_device_and_precision():
    assert Engine(CPU, torch.bfloat16).describe() == "cpu, bfloat16"
