"""Which device and which precision a training run uses, and why."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import nn

from l2laug.core.errors import DeviceError, UsageError
from l2laug.runtime.precision import faster_dtype

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
    """Turn ``auto``, ``cpu`` or ``cuda`` into an engine; the precision is the faster one.

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
