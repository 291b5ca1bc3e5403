"""Save and resume a training."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from l2laug.core.errors import BundleError
from l2laug.core.files import whole_file
from l2laug.runtime.device import Engine


class Trainer(Protocol):
    """What has networks and optimisers to go on with."""

    engine: Engine

    def check_finite(self) -> None:
        """Make sure that all weights are numbers."""

    def state_dict(self) -> dict[str, Any]:
        """All that going on needs."""

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` told."""


class Drawn(Protocol):
    """What batches are drawn from, by how many were drawn before."""

    drawn: int


def save_checkpoint(path: Path, trainer: Trainer, pairs: Drawn) -> None:
    """Save all that going on needs, whole or not at all.

    Raises:
        RecipeError: some weights are no numbers any more: nothing is saved, what was there stays.
        OutputError: it can't be written.
    """
    trainer.check_finite()
    content = io.BytesIO()  # torch hides why a file can't be written
    torch.save({"trainer": trainer.state_dict(), "drawn": pairs.drawn}, content)
    with whole_file(path) as part:
        part.write_bytes(content.getbuffer())


def load_checkpoint(path: Path, trainer: Trainer, pairs: Drawn) -> None:
    """Go on from a checkpoint, if there is one.

    Raises:
        BundleError: the checkpoint is of other networks than the recipe's.
    """
    if not path.exists():
        return
    try:
        state = torch.load(path, map_location=trainer.engine.device, weights_only=True)
        trainer.load_state_dict(state["trainer"])
        drawn = int(state["drawn"])
    except Exception as error:  # torch and pickle raise almost anything on a damaged file
        raise BundleError(
            f"Checkpoint {path} does not fit this recipe.",
            "Use the recipe it was made with, or start anew with --overwrite.",
        ) from error
    pairs.drawn = drawn
