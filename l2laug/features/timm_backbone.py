"""A timm backbone as a feature extractor, its weights from a file or fetched by timm."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import nn

from l2laug.core.arrays import Pixels
from l2laug.core.errors import BundleError, UsageError
from l2laug.core.hashing import file_hash
from l2laug.features.extractor import Extractor
from l2laug.features.resizing import resized
from l2laug.runtime.device import pick_engine

# A file of another kind can fail in many ways.
UNREADABLE = (RuntimeError, ValueError, TypeError, AttributeError, KeyError, EOFError, OSError)


def timm_extractor(name: str, path: Path | None, device: str = "auto") -> Extractor:
    """What a timm backbone pools, ``(N, D)``, from images brought to its size and statistics.

    Args:
        name: timm's name of the backbone.
        path: its weights, as safetensors or as a torch state dict (loaded with ``weights_only``);
            None lets timm fetch those it knows.
        device: ``auto``, ``cpu`` or ``cuda``.

    Raises:
        UsageError: timm has no such backbone.
        BundleError: the weights are missing, can't be read or do not fit.
    """
    if name.partition(".")[0] not in timm.list_models():
        raise UsageError(f"--features timm:{name} is not a timm model.", "See timm.list_models().")
    place = pick_engine(device).device
    net = _fetched(name) if path is None else _loaded(name, path)
    digest = _weights_hash(net) if path is None else file_hash(path)
    net = net.eval().requires_grad_(False).to(place)
    config = _config(net)
    side = int(config["input_size"][-1])
    mean, std = (torch.tensor(config[key])[:, None, None] for key in ("mean", "std"))

    @torch.no_grad()
    def extract(pixels: Pixels) -> NDArray[np.float32]:
        x = (resized(pixels, side) - mean) / std
        found: NDArray[np.float32] = net(x.to(place)).flatten(1).float().cpu().numpy()
        return found

    return Extractor(f"timm {name}", digest, extract, f"to {side}x{side}, bicubic, antialiased")


def _fetched(name: str) -> nn.Module:
    try:
        net: nn.Module = timm.create_model(name, pretrained=True, num_classes=0)
    except Exception as error:  # the hubs that timm asks have no common error
        raise BundleError(
            f"timm can't fetch weights of {name}: {_first_line(error)}",
            f"Give a file of them: --features timm:{name}@PATH",
        ) from error
    return net


def _loaded(name: str, path: Path) -> nn.Module:
    if not path.is_file():
        raise BundleError(
            f"--features: no weights at {path}.",
            f"Save timm's {name} there (.safetensors or a state dict), or use --features bundle.",
        )
    net: nn.Module = timm.create_model(name, pretrained=False, num_classes=0)
    try:
        state = timm.models.load_state_dict(str(path), device="cpu", weights_only=True)
        missing, left_over = net.load_state_dict(state, strict=False)
    except (*UNREADABLE, SafetensorError) as error:
        raise BundleError(
            f"{path} holds no weights of {name}: {_first_line(error)}",
            "Give safetensors (named .safetensors) or a torch state dict of plain tensors.",
        ) from error
    heads = _config(net).get("classifier") or ()
    heads = (heads,) if isinstance(heads, str) else tuple(heads)
    strange = [k for k in left_over if not k.startswith(tuple(f"{h}." for h in heads))]
    if odd := [*missing, *strange]:
        raise BundleError(
            f"{path} does not fit {name}: {len(odd)} tensors differ, {odd[0]} the first.",
            "Give the file that was saved from this model.",
        )
    return net


def _config(net: nn.Module) -> dict[str, Any]:
    """What timm knows of a backbone: its images' size and statistics, its head's name."""
    return dict(vars(net)["pretrained_cfg"])


def _weights_hash(net: nn.Module) -> str:
    digest = hashlib.sha256()
    for key, tensor in sorted(net.state_dict().items()):
        digest.update(key.encode() + np.ascontiguousarray(tensor.numpy()).tobytes())
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".:") + "." if lines else f"{type(error).__name__}."
