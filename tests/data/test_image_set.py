"""Images that are read again at another size are those that were read before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from l2laug.core.errors import ImageError
from l2laug.data.image_set import read_again, read_again_files, read_classes
from tests.class_folders import copy_classes


def test_images_come_in_the_same_order_at_another_size(digits: Path, tmp_path: Path):
    folder = copy_classes(digits, tmp_path / "data", {"3": range(3), "7": range(2)})
    files = {name: sorted((folder / name).iterdir()) for name in ("3", "7")}
    small = read_classes(files, 16, 1).take(np.array([4, 0, 2]))

    again = read_again(small, 48, 3)

    assert again.labels.tolist() == [1, 0, 0]
    assert again.pixels.tolist() == read_classes(files, 48, 3).pixels[[4, 0, 2]].tolist()
    assert read_again_files([], 48, 3).shape == (0, 3, 48, 48)
    small.paths[0].unlink()
    with pytest.raises(ImageError, match=small.paths[0].name):
        read_again(small, 48, 3)
