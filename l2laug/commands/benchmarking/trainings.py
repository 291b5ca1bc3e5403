"""The trainings of a benchmark: shared feature nets, then a bundle for each method and seed."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2laug.artifacts.bundle import Bundle, open_bundle
from l2laug.artifacts.bundle_folder import WORK, keep_settings
from l2laug.artifacts.names import CENTROIDS, INFO, METRICS
from l2laug.artifacts.training_log import read_training_log
from l2laug.commands.pretraining.bundle_training import Training, train_bundle, train_nets
from l2laug.config.recipe import Recipe
from l2laug.core.files import write_text
from l2laug.data.base_classes import base_hashes
from l2laug.data.image_set import ImageSet
from l2laug.runtime.processes import Processes
from l2laug.runtime.session import Session

SHARED = ("features.onnx", "prototype_classifier.safetensors", CENTROIDS)
NETS, BUNDLES = "nets", "bundles"
ABOUT = "about.json"


@dataclass(frozen=True)
class Trainings:
    """Where the bundles of a benchmark are trained, and from what.

    Attributes:
        folder: of the benchmark.
        source: as the user named it.
        known, unseen: source and held-out classes.
        session: engine and progress.
        processes: that train together.
    """

    folder: Path
    source: Path
    known: ImageSet
    unseen: ImageSet
    session: Session
    processes: Processes

    def nets(self, recipe: Recipe) -> dict[str, Any]:
        """Train the feature nets that all methods share; what bundles say of their source."""
        place = self.folder / NETS
        about = place / ABOUT
        with self.processes.main_first():
            if not about.is_file():
                place.mkdir(parents=True, exist_ok=True)
                found = train_nets(self._training(recipe, 0, place, None), self.source)
                write_text(about, json.dumps(found) + "\n")
        told: dict[str, Any] = json.loads(about.read_text(encoding="utf-8"))
        return told

    def bundle(self, recipe: Recipe, seed: int, about: dict[str, Any]) -> Bundle:
        """Train a method with a seed, or go on, or open what was trained before."""
        out = self.folder / BUNDLES / f"{recipe.method}-{seed}"
        if (out / INFO).is_file():
            return open_bundle(out)
        work = out / WORK
        with self.processes.main_first():
            if self.processes.main:
                work.mkdir(parents=True, exist_ok=True)
                keep_settings(work, {"recipe": recipe.model_dump(mode="json"), "seed": seed})
                for name in SHARED:
                    shutil.copyfile(self.folder / NETS / name, work / name)
        training = self._training(recipe, seed, work, about)
        return train_bundle(out, training, self.source, self.processes)

    def _training(
        self, recipe: Recipe, seed: int, work: Path, about: dict[str, Any] | None
    ) -> Training:
        learned = base_hashes(self.known)
        session = self.session.seeded(seed)
        return Training(recipe, session, work, None, self.known, self.unseen, learned, about)


def source_seconds(bundle: Bundle) -> float:
    """How long a bundle's source training took, all calls together."""
    lines = read_training_log(bundle.path / METRICS)
    return max((float(x["seconds"]) for x in lines if x["phase"] == "source"), default=0.0)
