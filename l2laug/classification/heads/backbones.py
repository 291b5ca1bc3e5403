"""The nets that a study trains: small, the general net, or any of timm's, random or pretrained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from l2laug.config.evaluation_options import SMALL, TUNE
from l2laug.core.errors import BundleError, UsageError
from l2laug.core.hashing import file_hash
from l2laug.data.image_set import ImageSet
from l2laug.features.general import WIDTH, load_general_net

HALF_AS_WIDE = (32, 64, 128, 256)  # channels of a resnet's four stages
PRETRAINED = "pretrained"


def build_classifier(model: str, images: ImageSet) -> nn.Module:
    """A classifier of the classes of ``images``, with their size and channels.

    Args:
        model: ``small``; ``tune`` for the general net with the weights that ship with l2laug; a
            timm model's name for random weights; ``NAME@PATH`` for weights from a file,
            ``NAME@pretrained`` for those that timm fetches. Its last layer is always new, and its
            first one adapted to grey images.
        images: what it is to be trained on.

    Raises:
        UsageError: timm has no such model, or it can't take images of this size.
        BundleError: the weights are missing or do not fit.
    """
    name, _, weights = model.partition("@")
    if name == TUNE:
        return GeneralClassifier(len(images.classes))
    if name != SMALL and name not in timm.list_models():
        raise UsageError(
            f"--heads {name} is no classifier.",
            "Use probe, small, tune, or see timm.list_models().",
        )
    channels, side = images.pixels.shape[1], images.pixels.shape[2]
    known, options = name, dict[str, Any](num_classes=len(images.classes), in_chans=channels)
    if name == SMALL:
        known, options = "resnet10t", {**options, "channels": HALF_AS_WIDE}
    if weights:
        net = _with_weights(known, weights, options)
    else:
        net = timm.create_model(known, pretrained=False, **options)
    try:
        with torch.no_grad():
            net.eval()(torch.zeros(1, channels, side, side))
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"--heads {name} can't take images of {side}x{side}: {str(error).rstrip('.')}.",
            f"Use {SMALL}.",
        ) from error
    return net


class GeneralClassifier(nn.Module):
    """The general net with all its weights free to learn, and a new last layer.

    Args:
        classes: how many it tells apart.
    """

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = load_general_net().requires_grad_(True)
        self.last = nn.Linear(WIDTH, classes)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Images ``(N, C, S, S)`` in [-1, 1] to scores ``(N, K)``.

        The statistics of the norms stay those of ImageNet: batches are small.
        """
        scores: Tensor = self.last(self.features(x))
        return scores


def weights_hash(model: str) -> str:
    """What sets a model's weights apart from others: their file's SHA-256, or where they are from.

    Raises:
        BundleError: there is no such file.
    """
    weights = model.partition("@")[2]
    if weights in ("", PRETRAINED):
        return weights
    if not Path(weights).is_file():
        raise BundleError(f"--heads: no weights at {weights}.", "Check the path behind the @.")
    return file_hash(Path(weights))


def _with_weights(name: str, weights: str, options: dict[str, Any]) -> nn.Module:
    overlay = None if weights == PRETRAINED else {"file": weights}
    try:
        net: nn.Module = timm.create_model(
            name, pretrained=True, pretrained_cfg_overlay=overlay, **options
        )
    except Exception as error:  # files and hubs fail in ways that have no common root
        told = str(error).strip().splitlines() or [type(error).__name__]
        raise BundleError(
            f"--heads {name}: weights {weights} can't be loaded: {told[0].rstrip('.:')}.",
            "Give a file that timm saved of this model, or leave @ and what follows out.",
        ) from error
    return net
