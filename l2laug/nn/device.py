"""Which device and which precision a training run uses, and why."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from l2laug.errors import DeviceError, UsageError

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Engine:
    """A device, and the type that convolutions run in there (``float32`` or ``bfloat16``)."""

    device: torch.device
    dtype: torch.dtype

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which forward passes run."""
        if self.dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)

    def place(self, module: M) -> M:
        """Move a module there, its convolutions' weights laid out channels last."""
        return module.to(self.device).to(memory_format=torch.channels_last)

    def describe(self) -> str:
        """For the log: ``cpu, bfloat16``."""
        return f"{self.device.type}, {str(self.dtype).removeprefix('torch.')}"


def pick_engine(name: str) -> Engine:
    """Turn ``auto``, ``cpu`` or ``cuda`` into an engine; the precision is measured.

    Raises:
        DeviceError: CUDA was asked for and is not there.
        UsageError: the name is none of the three.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device {name} is unknown.", "Use auto, cpu or cuda.")
    if name == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            "--device cuda was asked for, but torch finds no CUDA GPU.",
            "Check the driver, or use --device cpu.",
        )
    cuda = name != "cpu" and torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    return Engine(device, faster_dtype(device))


def faster_dtype(device: torch.device) -> torch.dtype:
    """``bfloat16`` where a convolution, forward and backward, gains at least a third by it.

    The two take turns on one thread and the fastest of each counts, so that other work on the
    machine does not tip the choice.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    conv = nn.Conv2d(64, 64, 3, padding=1, device=device).to(memory_format=torch.channels_last)
    x = torch.ones(8, 64, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    best = {torch.float32: float("inf"), torch.bfloat16: float("inf")}
    for _ in range(20):
        for dtype in best:
            best[dtype] = min(best[dtype], _seconds(conv, x, dtype))
    torch.set_num_threads(threads)
    gain = best[torch.float32] / best[torch.bfloat16]
    return torch.bfloat16 if gain > 1.33 else torch.float32


def _seconds(conv: nn.Module, x: torch.Tensor, dtype: torch.dtype) -> float:
    # Processor time on a CPU: a process that has to wait for its turn spends none.
    clock = time.process_time if x.device.type == "cpu" else time.perf_counter
    start = clock()
    with torch.autocast(x.device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
        y = conv(x)
    y.float().sum().backward()
    if x.device.type == "cuda":
        torch.cuda.synchronize()
    return clock() - start
