"""Score: what can't be scored is said before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from l2laug.artifacts.bundle import open_bundle
from l2laug.core.errors import ImageError
from tests.class_folders import copy_classes
from tests.keywords import score


def test_a_reference_classifier_of_one_class_is_told_before_any_work(
    tiny_bundle: Path, digits: Path, tmp_path: Path
) -> None:
    first, *others = open_bundle(tiny_bundle).info["source"]["held_out"]
    sizes = {first: range(12)} | {name: range(5) for name in others}
    few = copy_classes(digits, tmp_path / "few", sizes)

    with pytest.raises(ImageError, match="takes two held-out classes of 6 images") as caught:
        score(str(tiny_bundle), few, shots=2, reference_classifier=True, out=tmp_path / "out")

    assert f"here is {first} alone" in caught.value.fact
    assert not (tmp_path / "out").exists()
