"""The prototype classifier: a frozen feature net that tells which class an image shows."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.config.recipe import Recipe
from l2laug.core.arrays import Pixels
from l2laug.data.image_set import ImageSet
from l2laug.nn.batches import to_batch
from l2laug.nn.feature_net import FeatureNet
from l2laug.nn.weights import load_weights

SCALE = 32.0  # of cosines before the softmax
OTHERS = 5  # images of its class that one is compared with


class PrototypeClassifier(nn.Module):
    """Classes as prototypes, the mean directions of their images' features (Snell et al. 2017).

    A class is added by its prototype alone, so that the classifier of the source classes
    can tell a rare one too.

    Args:
        net: a trained feature net; its linear classifier is dropped, nothing here needs it.
        classes: how many prototypes there is room for.
    """

    def __init__(self, net: FeatureNet, classes: int) -> None:
        super().__init__()
        net.classify = nn.Identity()
        self.net = net
        self.prototypes: Tensor
        self.register_buffer("prototypes", torch.zeros(classes, net.dimension))

    def directions(self, images: Tensor) -> Tensor:
        """Images ``(N, C, S, S)`` in [-1, 1] to features of length one, ``(N, D)``."""
        return F.normalize(self.net.features(images).float())

    def loss(self, images: Tensor, labels: Tensor) -> Tensor:
        """How little images look like their classes: the mean cross-entropy over prototypes.

        Args:
            images: ``(N, C, S, S)`` in [-1, 1].
            labels: ``(N,)`` int64, rows of the prototypes.
        """
        return F.cross_entropy(SCALE * self.directions(images) @ self.prototypes.T, labels)

    @torch.no_grad()
    def learn(self, images: ImageSet) -> Self:
        """Take the prototypes of these classes, in place of all there were."""
        self.prototypes = self._prototypes(images)
        return self

    @torch.no_grad()
    def add(self, images: ImageSet) -> Self:
        """Put the prototypes of new classes before those there are: their labels stay their own."""
        self.prototypes = torch.cat([self._prototypes(images), self.prototypes])
        return self

    def _prototypes(self, images: ImageSet) -> Tensor:
        found = self._directions_of(images.pixels)
        rows = [found[np.flatnonzero(images.labels == c)] for c in range(len(images.classes))]
        return F.normalize(torch.stack([r.mean(0) for r in rows]))

    @torch.no_grad()
    def leave_one_out(self, pixels: Pixels) -> NDArray[np.float64]:
        """The cosine of each image of a class to the prototype of the others, ``(N,)``.

        Args:
            pixels: uint8 ``(N, C, S, S)`` of one class, two or more.
        """
        found = self._directions_of(pixels)
        others = F.normalize(found.sum(0) - found)
        similarity: NDArray[np.float64] = (found * others).sum(1).double().cpu().numpy()
        return similarity

    def usual_similarity(self, images: ImageSet) -> float:
        """The similarity that 98 of 100 images have to five others of their class, or to fewer.

        It is -1 where no class has two images.
        """
        found = []
        for label in range(len(images.classes)):
            pixels = images.pixels[images.labels == label]
            some = [pixels[i : i + OTHERS + 1] for i in range(0, len(pixels), OTHERS + 1)]
            found += [self.leave_one_out(part) for part in some if len(part) > 1]
        return float(np.percentile(np.concatenate(found), 2)) if found else -1.0

    @torch.no_grad()
    def is_right(self, pixels: Pixels, labels: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which images ``(N, C, S, S)`` lie nearest to the prototypes of their ``labels``."""
        nearest = (self._directions_of(pixels) @ self.prototypes.T).argmax(1).cpu().numpy()
        found: NDArray[np.bool_] = nearest == labels
        return found

    def _directions_of(self, pixels: Pixels) -> Tensor:
        device = self.prototypes.device
        self.eval()
        return torch.cat(
            [
                self.directions(to_batch(torch.from_numpy(pixels[i : i + 256]), device))
                for i in range(0, len(pixels), 256)
            ]
        )


def load_prototype_classifier(path: Path, recipe: Recipe, classes: int) -> PrototypeClassifier:
    """A classifier that :func:`l2laug.nn.weights.save_weights` wrote, of so many source classes.

    Raises:
        BundleError: the file is damaged or of another recipe.
    """
    net = FeatureNet(recipe.generator.channels, recipe.features.width, classes)
    classifier = PrototypeClassifier(net, classes)
    load_weights(classifier, path)
    return classifier
