"""Score one trained method on held-out classes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from l2laug.artifacts.bundle import Bundle
from l2laug.commands.benchmarking.plan import BenchmarkOptions
from l2laug.config.load import parse_recipe
from l2laug.config.methods import L2L
from l2laug.core.files import whole_file
from l2laug.core.seeds import derived_seed
from l2laug.data.image_set import ImageSet
from l2laug.evaluation.bundles.draw_scores import DrawScorer
from l2laug.evaluation.bundles.few_shot import few_shot_error
from l2laug.evaluation.bundles.held_out import BESIDE, Split, split_unseen
from l2laug.evaluation.bundles.methods import Method, Model, other_method
from l2laug.runtime.session import Session
from l2laug.training.target import train_target

EXTRA = 20  # draws of a class beside its real images, for classifiers
SHOWN = 2  # draws of a class in the figure
DRAWN, MORE, FIGURE = range(3)  # streams of latents


@dataclass(frozen=True)
class Scoring:
    """What the scores of all methods share.

    Attributes:
        chosen: held-out classes.
        few: by the images that classifiers learn from, those that are large enough for that.
        options: shots, seeds, classifiers.
        scorer: measures draws.
        session: engine and progress.
        folder: of the benchmark.
    """

    chosen: ImageSet
    few: dict[int, ImageSet]
    options: BenchmarkOptions
    scorer: DrawScorer
    session: Session
    folder: Path

    def real(self, seed: int) -> dict[str, Any]:
        """Scores of real images, and the errors of classifiers without anything beside theirs."""
        split = split_unseen(self.chosen, self.options.shots, seed)
        found: dict[str, Any] = asdict(self.scorer(split.baseline, split, seed))
        for shots, few in self._splits(seed):
            found[f"error_{shots}_without"] = self._error(few, None, seed)
            found[f"error_{shots}"] = self._error(few, few.baseline, seed)
        return found

    def method(self, bundle: Bundle, seed: int) -> dict[str, Any]:
        """Scores of a method's draws, and the errors of classifiers with them."""
        split, engine = split_unseen(self.chosen, self.options.shots, seed), self.session.engine
        began = time.monotonic()
        method = self._learned(split, bundle, seed)
        learned = time.monotonic() - began
        drawn = method.draw(split.support, split.baseline.labels, engine, derived_seed(seed, DRAWN))
        found: dict[str, Any] = asdict(self.scorer(drawn, split, seed))
        found |= {"rare_seconds": learned, "parameters": parameters(method.models[0])}
        for shots, few in self._splits(seed):
            labels = np.repeat(np.arange(len(few.support.classes)), EXTRA)
            shown = self._learned(few, bundle, seed)
            more = shown.draw(few.support, labels, engine, derived_seed(seed, MORE))
            found[f"error_{shots}"] = self._error(few, more, seed)
        if seed == 0:
            self._keep(method, split, str(bundle.info["method"]))
        return found

    def _splits(self, seed: int) -> Iterator[tuple[int, Split]]:
        """What classifiers learn from and are tested on, where there are classes to tell apart."""
        for shots, classes in self.few.items():
            if len(classes.classes) > 1:
                yield shots, split_unseen(classes, shots, seed)

    def _learned(self, split: Split, bundle: Bundle, seed: int) -> Method:
        """The method on the support images of all classes."""
        recipe = parse_recipe(bundle.info["recipe"], f"of bundle {bundle.name}")
        session = self.session.seeded(seed)
        if recipe.method != L2L:
            found = other_method(split.support, bundle, recipe, session)
            return Method(tuple(Model(t.generator, t.gems) for t in found))
        target = train_target(split.support, bundle, recipe, session)
        return Method((Model(target.generator, target.gems),))

    def _error(self, few: Split, more: ImageSet | None, seed: int) -> float:
        return few_shot_error(
            few.support,
            more,
            few.reference,
            self.session.engine,
            seed,
            steps=self.options.error_steps,
        )

    def _keep(self, method: Method, split: Split, name: str) -> None:
        """Keep draws for the figure: some of each class."""
        labels = np.repeat(np.arange(len(split.support.classes)), SHOWN)
        seed = derived_seed(0, FIGURE)
        drawn = method.draw(split.support, labels, self.session.engine, seed)
        with whole_file(self.folder / "draws" / f"{name}.npy") as part, part.open("wb") as opened:
            np.save(opened, drawn.pixels)


def parameters(model: Model) -> int:
    """Numbers that a generator has learned."""
    parts: tuple[nn.Module, ...] = (model.generator, model.gems)
    return sum(p.numel() for part in parts for p in part.parameters())


def large_classes(unseen: ImageSet, shots: int, most: int) -> ImageSet:
    """The last held-out classes, ``most`` at most, with images beside those that are shown."""
    counts = np.bincount(unseen.labels, minlength=len(unseen.classes))
    names = [c for c, n in zip(unseen.classes, counts, strict=True) if n >= shots + BESIDE]
    return unseen.of(names[-most:])
