"""CutMix, mixup and borrowed images, by what they are made of."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest

from l2laug.classification.arms.mixing import MIXED, mix
from l2laug.classification.arms.nearest import borrow, nearest_rows


def flat(*values: int) -> np.ndarray:
    """An image of one value for each."""
    return np.stack([np.full((1, 8, 8), v, np.uint8) for v in values])


def test_mixup_averages_two_images_that_differ():
    mixed, parents = mix(flat(0, 100, 200), "mixup", 0)

    assert len(mixed) == MIXED
    assert (parents[:, 0] != parents[:, 1]).all()
    values = mixed[:, 0, 0, 0].astype(int)
    low, high = (parents * 100).min(1), (parents * 100).max(1)
    assert ((low <= values) & (values <= high)).all()
    assert (mixed == mixed[:, :, :1, :1]).all()
    assert len(np.unique(values)) > 20


def test_cutmix_pastes_a_rectangle_of_one_image_into_another():
    mixed, parents = mix(flat(10, 20, 30), "cutmix", 0)

    for image, (first, second) in zip(mixed[:, 0], parents, strict=True):
        pasted = image == (second + 1) * 10
        assert (image[~pasted] == (first + 1) * 10).all()
        assert pasted.any(1).sum() * pasted.any(0).sum() == pasted.sum() > 0


@pytest.mark.parametrize("kind", ["cutmix", "mixup"])
def test_a_single_image_is_repeated(kind: Literal["cutmix", "mixup"]):
    mixed, parents = mix(flat(7), kind, 0)

    assert (mixed == 7).all()
    assert (parents == 0).all()


def test_the_base_images_most_like_a_rare_one_are_borrowed_once():
    rare = np.array([[1.0, 0.0], [0.0, 1.0]])
    base = np.array([[5.0, 1.0], [1.0, 9.0], [-1.0, 0.0], [0.0, 2.0]])

    rows, nearest = borrow(rare, base)

    assert rows.tolist() == [3, 1, 0, 2]  # by their cosines 1, .994, .981 and 0
    assert nearest.tolist() == [1, 1, 0, 1]
    assert nearest_rows(base[:2], rare).tolist() == [0, 1]
