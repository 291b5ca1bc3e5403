"""Weights to and from safetensors files, in half precision on disk."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from l2laug.core.errors import BundleError
from l2laug.core.files import whole_file


def save_weights(module: nn.Module, path: Path) -> None:
    """Save parameters and buffers; floats are rounded to 16 bits where these can hold them."""
    state = {
        name: _rounded(value).cpu().contiguous() for name, value in module.state_dict().items()
    }
    with whole_file(path) as part:
        part.write_bytes(save(state))


def _rounded(value: Tensor) -> Tensor:
    half = value.half() if value.is_floating_point() else value
    return half if half.isfinite().all() else value


def load_weights(module: nn.Module, path: Path) -> None:
    """Load what :func:`save_weights` wrote.

    Raises:
        BundleError: the file is damaged or of another architecture.
    """
    try:
        state = load_file(path)
        module.load_state_dict(
            {n: v.float() if v.dtype == torch.float16 else v for n, v in state.items()}
        )
    except (SafetensorError, RuntimeError, OSError) as error:
        raise BundleError(
            f"Weights {path} do not fit the bundle's recipe.", "Install the bundle again."
        ) from error
