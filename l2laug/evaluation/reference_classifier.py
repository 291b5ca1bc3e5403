"""The reference classifier: it knows every class, and no generator learned from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save

from l2laug.config.recipe import FeatureOptions
from l2laug.core.arrays import Features, Pixels
from l2laug.core.errors import ImageError
from l2laug.core.files import whole_file
from l2laug.core.progress import Progress
from l2laug.data.image_set import ImageSet
from l2laug.nn.feature_net import FeatureNet
from l2laug.nn.predict import predict
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training.feature_net import train_features

OPTIONS = FeatureOptions(width=48, steps=4000)  # another net than a bundle's own ones
TWO_SAMPLE = FeatureOptions(width=32, steps=500)


@dataclass(frozen=True)
class ReferenceClassifier:
    """A net trained on all real images there are.

    Attributes:
        net: the classifier, in evaluation mode.
        classes: names, in the order of its outputs.
        device: where it is.
    """

    net: FeatureNet
    classes: tuple[str, ...]
    device: torch.device

    def __call__(self, pixels: Pixels) -> Features:
        """Features of uint8 images, ``(N, C, S, S)`` to ``(N, D)`` float64."""
        found: Features = predict(self.net.features, pixels, self.device).double().numpy()
        return found

    def class_accuracy(self, images: ImageSet) -> float:
        """The share of images that it puts into their own class, from 0 to 1."""
        own = np.array([self.classes.index(c) for c in images.classes])[images.labels]
        guesses = predict(self.net, images.pixels, self.device).argmax(1).numpy()
        return float((guesses == own).mean())


def train_reference_classifier(
    images: ImageSet, engine: Engine, progress: Progress, keep: Path | None = None
) -> ReferenceClassifier:
    """Train a reference classifier on all images of all classes, or take the one that was kept.

    Args:
        images: to learn from.
        engine: where the net is trained.
        progress: where to show how far it is.
        keep: file of its weights, read if it is there and else written.
    """
    if keep is not None and keep.is_file():
        net = FeatureNet(images.pixels.shape[1], OPTIONS.width, len(images.classes))
        net.load_state_dict(load_file(keep))
        net = engine.place(net).eval()
    else:
        session = Session(engine, progress)
        net = train_features(images, OPTIONS, session, name="reference_classifier")
        if keep is not None:
            state = {name: value.contiguous() for name, value in net.state_dict().items()}
            with whole_file(keep) as part:
                part.write_bytes(save(state))  # safetensors hides that a disk is full
    return ReferenceClassifier(net, images.classes, engine.device)


def two_sample_accuracy(real: ImageSet, drawn: ImageSet, engine: Engine, seed: int = 0) -> float:
    """How well a net learns to tell real images from drawn ones: 0.5 is chance, 1 is with ease.

    A classifier two-sample test (Lopez-Paz and Oquab 2017): learned on the even classes, tested on
    the odd ones, as many images of either kind.

    Args:
        real: images of two classes or more.
        drawn: images of the same classes.
        engine: where the net is trained.
        seed: of the net.

    Raises:
        ImageError: the images are of one class alone, so that none is left to test on.
    """
    if len(real.classes) < 2:
        raise ImageError(
            f"A two-sample test takes two classes or more; here is {real.classes[0]} alone.",
            "Give images of other classes too.",
        )
    learn, test = (_both(real, drawn, side) for side in (0, 1))
    net = train_features(learn, TWO_SAMPLE, Session(engine, Progress(quiet=True), seed))
    guesses = predict(net, test.pixels, engine.device).argmax(1).numpy()
    shares = [float((guesses[test.labels == kind] == kind).mean()) for kind in (0, 1)]
    return sum(shares) / 2


def _both(real: ImageSet, drawn: ImageSet, side: int) -> ImageSet:
    parts: list[Pixels] = [part.pixels[part.labels % 2 == side] for part in (real, drawn)]
    labels: NDArray[np.int64] = np.repeat([0, 1], [len(p) for p in parts])
    return ImageSet(np.concatenate(parts), labels, ("real", "drawn"), ())
