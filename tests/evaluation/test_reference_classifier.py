"""The reference classifier: knows real images, and a net that tells two kinds apart or can't."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from l2laug.config.recipe import FeatureOptions
from l2laug.core.errors import ImageError, OutputError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.evaluation import reference_classifier as module
from l2laug.evaluation.reference_classifier import (
    ReferenceClassifier,
    train_reference_classifier,
    two_sample_accuracy,
)
from l2laug.nn.feature_net import FeatureNet
from l2laug.runtime.device import Engine
from tests.test_interrupted import files_of_at_most

ENGINE = Engine(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def images(digits: Path) -> ImageSet:
    return read_classes(class_folders(digits), 32, 1)


def test_a_reference_classifier_knows_what_it_learned(
    images: ImageSet, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "OPTIONS", FeatureOptions(width=8, steps=150))

    reference_classifier = train_reference_classifier(images, ENGINE, Progress(quiet=True))

    assert reference_classifier.class_accuracy(images) > 0.9
    turned = ImageSet(images.pixels, (images.labels + 1) % 10, images.classes, ())
    assert reference_classifier.class_accuracy(turned) < 0.1
    # Of two classes alone, their labels counted anew.
    assert reference_classifier.class_accuracy(images.of(["4", "7"])) > 0.8
    assert reference_classifier(images.pixels[:3]).shape == (3, 32)


def test_a_kept_reference_classifier_is_the_one_that_was_trained(
    images: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "OPTIONS", FeatureOptions(width=8, steps=3))
    file = tmp_path / "kept" / "reference-classifier.safetensors"
    trained = train_reference_classifier(images, ENGINE, Progress(quiet=True), file)

    monkeypatch.setattr(module, "train_features", None)
    again = train_reference_classifier(images, ENGINE, Progress(quiet=True), file)

    np.testing.assert_array_equal(trained(images.pixels), again(images.pixels))


def test_a_full_disk_is_an_output_error_and_leaves_no_half_file(
    images: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "OPTIONS", FeatureOptions(width=8, steps=1))
    file = tmp_path / "reference-classifier.safetensors"
    with files_of_at_most(2000), pytest.raises(OutputError):
        train_reference_classifier(images, ENGINE, Progress(quiet=True), file)

    assert not list(tmp_path.iterdir())


class First(FeatureNet):
    """Always says the first class."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.eye(10)[:1].expand(len(x), 10)


def test_class_accuracy_is_the_share_of_right_answers(images: ImageSet):
    reference_classifier = ReferenceClassifier(First(1, 4, 10), images.classes, ENGINE.device)

    assert reference_classifier.class_accuracy(images) == pytest.approx(
        0.1
    )  # ten classes of equal size


def test_noise_is_told_from_real_images_and_real_images_are_not(
    images: ImageSet, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "TWO_SAMPLE", FeatureOptions(width=8, steps=60))
    half = np.arange(len(images.pixels)) % 2 == 0
    one, other = images.take(np.flatnonzero(half)), images.take(np.flatnonzero(~half))
    noise = np.random.default_rng(0).integers(0, 256, one.pixels.shape).astype(np.uint8)

    assert two_sample_accuracy(one, ImageSet(noise, one.labels, one.classes, ()), ENGINE) > 0.95
    # 60 images to test on: a standard deviation of 0.065 about one half.
    assert two_sample_accuracy(one, other, ENGINE) == pytest.approx(0.5, abs=0.2)


def test_one_class_is_said_to_be_too_few_for_a_two_sample_test(images: ImageSet):
    one = images.of(["4"])

    with pytest.raises(ImageError, match="here is 4 alone"):
        two_sample_accuracy(one, one, ENGINE)
