"""Which precision is faster on this machine: measured once, then remembered."""

from __future__ import annotations

import json
import platform
import time
from contextlib import suppress
from pathlib import Path

import platformdirs
import torch
from torch import nn

from l2laug.core.errors import OutputError
from l2laug.core.files import write_text

GAIN = 1.33
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def faster_dtype(device: torch.device) -> torch.dtype:
    """``bfloat16`` where a convolution, forward and backward, gains at least a third by it.

    Training in another precision ends in other bytes. So that the same files, seed and machine
    always give the same ones, the choice is kept in the user's cache folder; where nothing can be
    kept there it is measured anew.
    """
    path = Path(platformdirs.user_cache_dir("l2laug", appauthor=False)) / "precision.json"
    known, machine = _known(path), _machine(device)
    if known.get(machine) not in DTYPES:
        known[machine] = "bfloat16" if gain(device) > GAIN else "float32"
        with suppress(OutputError):
            write_text(path, json.dumps(known, indent=1, sort_keys=True) + "\n")
    return DTYPES[known[machine]]


def gain(device: torch.device) -> float:
    """How many times faster ``bfloat16`` is than ``float32``.

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
    return best[torch.float32] / best[torch.bfloat16]


def _known(path: Path) -> dict[str, str]:
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def _machine(device: torch.device) -> str:
    """All that the choice depends on; a home folder may be shared between machines."""
    cuda = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if cuda else torch.backends.cpu.get_cpu_capability()
    return f"{platform.node()}, {device.type}, {name}, torch {torch.__version__}"


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
