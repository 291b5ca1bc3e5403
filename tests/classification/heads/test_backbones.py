"""The nets of a study: what they take, and weights that they start from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from l2laug.classification.heads.backbones import build_classifier, weights_hash
from l2laug.core.errors import BundleError, UsageError
from l2laug.core.hashing import file_hash
from l2laug.data.image_set import ImageSet

NAME = "test_resnet"


def images(channels: int = 3, classes: int = 4) -> ImageSet:
    pixels = np.zeros((classes, channels, 32, 32), np.uint8)
    names = tuple("abcdefgh"[:classes])
    return ImageSet(pixels, np.arange(classes), names, (Path(),) * classes)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    path = tmp_path / "resnet.pth"
    torch.save(timm.create_model(NAME, pretrained=False).state_dict(), path)
    return path


@pytest.mark.parametrize("model", ["small", NAME])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_score_for_each_class(model: str, channels: int):
    net = build_classifier(model, images(channels, 5))

    assert net(torch.zeros(2, channels, 32, 32)).shape == (2, 5)


def test_all_but_the_last_layer_starts_from_the_weights_of_a_file(weights: Path):
    net = build_classifier(f"{NAME}@{weights}", images())
    state = torch.load(weights, weights_only=True)

    same = {k for k, v in net.state_dict().items() if torch.equal(v, state[k])}
    assert set(state) - same == {"fc.weight", "fc.bias"}
    assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 4)


def test_grey_images_get_a_first_layer_that_sums_over_the_colours(weights: Path):
    net = build_classifier(f"{NAME}@{weights}", images(channels=1))
    state = torch.load(weights, weights_only=True)
    first = next(k for k, v in state.items() if v.ndim == 4)

    assert torch.allclose(net.state_dict()[first], state[first].sum(1, keepdim=True), atol=1e-6)


def test_weights_are_told_apart_by_their_hash(weights: Path):
    assert weights_hash(f"{NAME}@{weights}") == file_hash(weights)
    assert weights_hash(NAME) == weights_hash("small") == ""
    assert weights_hash(f"{NAME}@pretrained") == "pretrained"
    with pytest.raises(BundleError, match="no weights at nowhere"):
        weights_hash(f"{NAME}@nowhere")


def test_what_can_not_be_had_is_said(tmp_path: Path):
    with pytest.raises(UsageError, match="resnet9000"):
        build_classifier("resnet9000", images())
    with pytest.raises(UsageError, match="32x32"):
        build_classifier("vit_tiny_patch16_224", images())
    (tmp_path / "bad.pth").write_bytes(b"none")
    with pytest.raises(BundleError, match="can't be loaded"):
        build_classifier(f"{NAME}@{tmp_path / 'bad.pth'}", images())


def test_the_general_net_starts_as_it_is_installed_and_may_change():
    net = build_classifier("tune", images(channels=1)).train()
    scores = net(torch.zeros(2, 1, 96, 96))

    assert torch.equal(scores, torch.zeros(2, 4)), "its new last layer knows nothing"
    assert all(p.requires_grad for p in net.parameters())
    assert not any(m.training for m in net.modules() if isinstance(m, torch.nn.BatchNorm2d))
