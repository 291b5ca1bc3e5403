"""Few-shot classification: more real images help, images of wrong classes hurt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.evaluation.bundles import few_shot
from l2laug.evaluation.bundles.few_shot import few_shot_error
from l2laug.evaluation.bundles.held_out import split_unseen
from l2laug.runtime.device import Engine

ENGINE = Engine(torch.device("cpu"), torch.float32)


def test_more_real_images_help_and_wrong_ones_hurt(digits: Path, monkeypatch: pytest.MonkeyPatch):
    for name, small in (("WIDTH", 12), ("BATCH", 32)):
        monkeypatch.setattr(few_shot, name, small)
    split = split_unseen(read_classes(class_folders(digits), 32, 1), shots=1, seed=0)
    wrong = ImageSet(
        split.baseline.pixels, (split.baseline.labels + 1) % 10, split.baseline.classes, ()
    )

    def error(more: ImageSet | None) -> float:
        return few_shot_error(split.support, more, split.reference, ENGINE, steps=60)

    alone = error(None)
    assert alone == error(None)
    # 60 test images: chance errs in 0.9 of them, one standard deviation is at most 0.065.
    assert error(split.baseline) < alone - 0.1
    assert error(wrong) > alone + 0.1
    assert np.bincount(split.support.labels).tolist() == [1] * 10
