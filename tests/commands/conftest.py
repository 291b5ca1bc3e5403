"""augment without minutes of learning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from l2laug.artifacts.model_card import Card
from l2laug.commands.augment import AugmentOptions, augment
from l2laug.commands.augmenting import learn_classes, work
from l2laug.commands.augmenting.arms import Measured
from l2laug.runtime.session import Session
from tests.commands.augmenting.models import warping

Augment = Callable[..., dict[str, Any]]


@pytest.fixture
def augmented(card: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Augment:
    """augment with models that need no learning; no samples help, unless told otherwise."""
    monkeypatch.setattr(learn_classes, "adapt", warping(card))

    def measure(model: Any, *_: Any) -> Measured:
        word = "helps" if model.folder.name in helping else "unclear"
        return Measured(word, "classical", "samples", difference=0.1, low=0.05, high=0.15)

    monkeypatch.setattr(work, "measure_class", measure)
    helping: set[str] = set()

    def call(place: Path, *, helps: str = "", **options: Any) -> dict[str, Any]:
        helping.update(helps.split())
        chosen = AugmentOptions(tmp_path / "out", **options)
        return augment(place, chosen, Session.start("cpu"))

    return call
