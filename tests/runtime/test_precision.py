"""The faster precision is measured once a machine and remembered."""

from __future__ import annotations

import json
from pathlib import Path

import platformdirs
import pytest
import torch
from torch import nn

from l2laug.runtime import precision
from l2laug.runtime.precision import faster_dtype

CPU = torch.device("cpu")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(tmp_path / "cache"))
    return tmp_path / "cache" / "precision.json"


def measured(monkeypatch: pytest.MonkeyPatch, gain: float) -> None:
    monkeypatch.setattr(precision, "gain", lambda _: gain)


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(("gain", "dtype"), [(1.3, torch.float32), (1.4, torch.bfloat16)])
def test_a_gain_of_a_third_is_worth_it(
    monkeypatch: pytest.MonkeyPatch, gain: float, dtype: torch.dtype
):
    measured(monkeypatch, gain)

    assert faster_dtype(CPU) == dtype


@pytest.mark.usefixtures("cache")
def test_a_busy_machine_does_not_change_its_mind(monkeypatch: pytest.MonkeyPatch):
    measured(monkeypatch, 1.4)
    faster_dtype(CPU)
    measured(monkeypatch, 1.3)

    assert faster_dtype(CPU) == torch.bfloat16


def test_another_version_of_torch_is_measured_anew(cache: Path, monkeypatch: pytest.MonkeyPatch):
    measured(monkeypatch, 1.4)
    faster_dtype(CPU)
    monkeypatch.setattr(torch, "__version__", "99")
    measured(monkeypatch, 1.3)

    assert faster_dtype(CPU) == torch.float32
    assert len(json.loads(cache.read_text())) == 2


@pytest.mark.parametrize("text", ["", "[1]", '{"a', "\x00"])
def test_a_damaged_memory_is_written_anew(cache: Path, monkeypatch: pytest.MonkeyPatch, text: str):
    cache.parent.mkdir()
    cache.write_text(text)
    measured(monkeypatch, 1.4)

    assert faster_dtype(CPU) == torch.bfloat16
    assert list(json.loads(cache.read_text()).values()) == ["bfloat16"]


def test_where_nothing_can_be_kept_it_is_measured_each_time(
    cache: Path, monkeypatch: pytest.MonkeyPatch
):
    cache.parent.write_text("a file where the folder should be")
    for gain, dtype in ((1.4, torch.bfloat16), (1.3, torch.float32)):
        measured(monkeypatch, gain)
        assert faster_dtype(CPU) == dtype


def test_the_gain_is_the_ratio_of_the_fastest_times(monkeypatch: pytest.MonkeyPatch):
    threads, now, late = torch.get_num_threads(), [0.0], iter([7, 0, 9, 2, 0] * 20)
    forward = nn.Conv2d.forward

    def slow(self: nn.Conv2d, x: torch.Tensor) -> torch.Tensor:
        """A convolution takes 3 seconds, 2 in bfloat16, and what other work delays it by."""
        now[0] += (2 if torch.is_autocast_enabled("cpu") else 3) + next(late)
        return forward(self, x)

    monkeypatch.setattr(nn.Conv2d, "forward", slow)
    monkeypatch.setattr(precision.time, "process_time", lambda: now[0])
    assert precision.gain(CPU) == 3 / 2
    assert torch.get_num_threads() == threads
