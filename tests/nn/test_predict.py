"""Many images a batch at a time: what is said of each stays in its place."""

from __future__ import annotations

import numpy as np
import torch

from l2laug.nn.predict import BATCH, predict


def test_every_image_is_told_of_in_its_order_across_batches():
    greys = np.arange(2 * BATCH + 3) % 256
    pixels = np.ones((len(greys), 1, 4, 4), np.uint8) * greys.astype(np.uint8)[:, None, None, None]

    found = predict(lambda x: x.mean((2, 3)), pixels, torch.device("cpu"))

    # 0 is -1 and 255 is 1.
    np.testing.assert_allclose(found[:, 0].numpy(), greys / 127.5 - 1, atol=1e-6)
    assert not found.requires_grad
