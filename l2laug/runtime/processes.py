"""Several processes that train one network together: which one this is, and what they share."""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import reduce
from torch import nn

from l2laug.core.progress import Progress
from l2laug.runtime.device import pick_engine
from l2laug.runtime.session import Session

# The first process trains feature nets while the others wait for it.
PATIENCE = timedelta(days=1)


class Processes:
    """What `torchrun` or `accelerate launch` started; without them, this process alone.

    Each process has a GPU of its own, where there are GPUs, and draws batches of its own.

    Args:
        cpu: leave GPUs alone.
    """

    def __init__(self, *, cpu: bool = False) -> None:
        # Where there is no GPU it takes processes for single ones unless it is told so.
        without_gpus = cpu or not torch.cuda.is_available()
        self._state: Any = PartialState(cpu=without_gpus, timeout=PATIENCE)
        self.index: int = self._state.process_index
        self.count: int = self._state.num_processes
        self.main = self.index == 0

    @classmethod
    def start(cls, device: str, progress: Progress, seed: int = 0) -> Session:
        """A session of each; only the first one reports.

        It also measures which precision is faster, and the others find what it found: all have to
        train in the same one.

        Raises:
            DeviceError: CUDA was asked for and is not there.
            UsageError: the device is none of the three.
        """
        processes = cls(cpu=device == "cpu")
        with processes.main_first():
            engine = pick_engine(device)
        return Session(engine, progress if processes.main else Progress(quiet=True), seed)

    def main_first(self) -> AbstractContextManager[None]:
        """The context in which the first process goes ahead and the others wait till it leaves."""
        context: AbstractContextManager[None] = self._state.main_process_first()
        return context

    def wait(self) -> None:
        """Go on when all are here."""
        self._state.wait_for_everyone()

    def average_gradients(self, module: nn.Module) -> None:
        """Give every process the mean of all their gradients of ``module``'s parameters."""
        if self.count == 1:
            return
        gradients = [p.grad for p in module.parameters() if p.grad is not None]
        mean: torch.Tensor = reduce(torch.cat([g.flatten() for g in gradients]), "mean")
        for gradient, part in zip(
            gradients, mean.split([g.numel() for g in gradients]), strict=True
        ):
            gradient.copy_(part.view_as(gradient))
