"""The prototype classifier: prototypes, what its loss rewards, and classes added later."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from l2laug.config.recipe import Recipe
from l2laug.core.errors import BundleError
from l2laug.data.image_set import ImageSet
from l2laug.nn.feature_net import FeatureNet
from l2laug.nn.prototype_classifier import SCALE, PrototypeClassifier, load_prototype_classifier
from l2laug.nn.weights import save_weights


class Corners(FeatureNet):
    """In place of a trained net: the grey levels of an image's first pixels are its features."""

    def features(self, x: Tensor) -> Tensor:
        return x.flatten(1)[:, : self.dimension]


def pictures(*corners: tuple[int, ...]) -> np.ndarray:
    """Mid-grey images with these grey levels in the first row."""
    pixels = np.full((len(corners), 1, 4, 4), 128, np.uint8)
    for i, row in enumerate(corners):
        pixels[i, 0, 0, : len(row)] = row
    return pixels


def of(labels: list[int], *corners: tuple[int, ...]) -> ImageSet:
    names = tuple("abcdef"[: max(labels) + 1])
    return ImageSet(pictures(*corners), np.array(labels), names, (Path(),) * len(labels))


def net() -> Corners:
    found = Corners(1, 1, 2)  # four features
    assert found.dimension == 4
    return found


def unit(pixels: np.ndarray) -> Tensor:
    return torch.from_numpy(pixels).float() / 127.5 - 1


def test_a_prototype_is_the_mean_direction_of_its_images():
    # (1, 0) and (0, 1) at whatever length: the mean direction is (1, 1) / sqrt 2.
    classifier = PrototypeClassifier(net(), 0).learn(of([0, 0], (255, 128), (128, 190)))

    assert classifier.prototypes.shape == (1, 4)
    assert classifier.prototypes[0, :2].tolist() == pytest.approx([math.sqrt(0.5)] * 2, abs=0.01)
    assert classifier.prototypes.norm().item() == pytest.approx(1)


def test_an_image_is_right_where_its_own_prototype_is_nearest():
    classifier = PrototypeClassifier(net(), 0).learn(of([0, 1], (255, 128), (128, 255)))
    drawn = pictures((250, 140), (140, 250), (150, 160))

    assert classifier.is_right(drawn, np.array([0, 0, 1])).tolist() == [
        True,
        False,
        True,
    ]


def test_the_loss_is_the_cross_entropy_of_scaled_cosines():
    classifier = PrototypeClassifier(net(), 0).learn(of([0, 1], (255, 128), (128, 255)))
    drawn = unit(pictures((255, 255)))  # half way between: as like the one as the other

    assert classifier.loss(drawn, torch.tensor([0])).item() == pytest.approx(math.log(2), abs=0.01)
    sure = unit(pictures((255, 128)))
    assert classifier.loss(sure, torch.tensor([0])).item() == pytest.approx(0, abs=0.01)
    assert classifier.loss(sure, torch.tensor([1])).item() == pytest.approx(SCALE, rel=0.02)


def test_new_classes_come_first_and_push_the_others_back():
    classifier = PrototypeClassifier(net(), 0).learn(of([0, 1], (255, 128), (128, 255)))
    old = classifier.prototypes.clone()

    classifier.add(of([0], (128, 128, 255)))

    assert classifier.prototypes.shape == (3, 4)
    assert torch.equal(classifier.prototypes[1:], old)
    third = unit(pictures((128, 128, 255)))
    assert classifier.loss(third, torch.tensor([0])).item() == pytest.approx(0, abs=0.01)


def test_each_image_is_compared_with_the_others_of_its_class():
    classifier = PrototypeClassifier(net(), 0)

    alike = classifier.leave_one_out(pictures((255, 128), (255, 128), (128, 255)))

    # The first two against the mean of (1, 0) and (0, 1); the third against (1, 0) alone.
    assert alike == pytest.approx([math.sqrt(0.5)] * 2 + [0], abs=0.02)


def test_gradients_reach_the_images_but_no_weight_of_a_frozen_guide():
    torch.manual_seed(0)
    pixels = np.random.default_rng(0).integers(0, 256, (4, 1, 32, 32)).astype(np.uint8)
    images = ImageSet(pixels, np.array([0, 0, 1, 1]), ("a", "b"), (Path(),) * 4)
    classifier = (
        PrototypeClassifier(FeatureNet(1, 4, 2).eval(), 0).learn(images).requires_grad_(False)
    )
    drawn = unit(pixels[:2]).requires_grad_()

    classifier.loss(drawn, torch.tensor([1, 1])).backward()

    assert drawn.grad is not None
    assert drawn.grad.abs().max() > 0
    assert all(p.grad is None for p in classifier.parameters())


def test_a_saved_guide_comes_back(tiny: Recipe, tmp_path: Path):
    torch.manual_seed(0)
    classifier = PrototypeClassifier(FeatureNet(1, tiny.features.width, 3).eval(), 3)
    classifier.prototypes.copy_(torch.eye(3, classifier.prototypes.shape[1]))
    save_weights(classifier, tmp_path / "prototype_classifier.safetensors")

    found = load_prototype_classifier(tmp_path / "prototype_classifier.safetensors", tiny, 3)

    assert torch.equal(found.prototypes, classifier.prototypes)
    with pytest.raises(BundleError, match="do not fit"):
        load_prototype_classifier(tmp_path / "prototype_classifier.safetensors", tiny, 4)
