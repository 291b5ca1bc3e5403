"""What target training needs: a bundle and rare images."""

from __future__ import annotations

from pathlib import Path

import pytest

from l2laug.artifacts.bundle import Bundle, open_bundle
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return open_bundle(tiny_bundle)


@pytest.fixture
def support(rare: Path) -> ImageSet:
    return read_classes(class_folders(rare), 32, 1)
