"""Nets that learn as a whole: the small one, the general net fine-tuned, or any of timm's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from l2laug import __version__
from l2laug.classification.arms.extras import Extra
from l2laug.classification.arms.policy import apply_policy
from l2laug.classification.arms.registry import Setting
from l2laug.classification.heads.backbones import build_classifier, weights_hash
from l2laug.classification.heads.head import Floats, Rows, balanced_loss
from l2laug.classification.predictions import Answers
from l2laug.classification.results_cache import ResultsCache
from l2laug.classification.study import Study, StudyData
from l2laug.config.evaluation_options import TUNE
from l2laug.core.hashing import array_hash, key_of
from l2laug.nn.predict import predict
from l2laug.runtime.device import Engine
from l2laug.training.feature_net import Schedule, classifier_step

FROM_RANDOM = (3e-4, 1e-3, 3e-3)
FROM_PRETRAINED = (1e-4, 3e-4, 1e-3)
DECAY = 0.05
NONE_HELD = np.empty(0, np.int64)


class Network:
    """A net that learns from batches on a one-cycle schedule, see :class:`Head`.

    Finished trainings are kept and not repeated.

    Args:
        model: ``small``, ``tune`` or a timm model's name, see :func:`build_classifier`.
        data: images at the size that it takes.
        extras: see :func:`extras_of`.
        study: how long and how often it is trained.
        engine: where.
        cache: of finished trainings.

    Raises:
        UsageError: timm has no such model, or it can't take images of this size.
        BundleError: its weights are missing or do not fit.
    """

    shared = True
    folds = 2
    tries = 1

    def __init__(
        self,
        model: str,
        data: StudyData,
        extras: dict[str, Extra],
        study: Study,
        engine: Engine,
        cache: ResultsCache,
    ) -> None:
        self.name, self.data, self.extras = model, data, extras
        self.study, self.engine, self.cache = study, engine, cache
        self.rates: Sequence[float] = (
            FROM_PRETRAINED if model == TUNE or "@" in model else FROM_RANDOM
        )
        self.mine = np.flatnonzero(data.train.labels == data.label)
        build_classifier(model, data.train)  # so that what can't be is said before any work
        self._about = {
            "head": model,
            "weights": weights_hash(model),
            "batch": study.batch,
            "engine": engine.describe(),
            "versions": [__version__, torch.__version__, timm.__version__],
            "train": array_hash(data.train.pixels) + array_hash(data.train.labels),
            "rare": data.label,
            "classes": len(data.train.classes),
        }
        self._tests = array_hash(data.test.pixels)
        self._drawn = {kind: array_hash(extra.pixels) for kind, extra in extras.items()}

    def losses(self, setting: Setting, rates: Sequence[float], folds: Sequence[Rows]) -> Floats:
        """See :meth:`Head.losses`; trainings are a third as long as those that count."""
        steps, seed, found = max(1, self.study.steps // 3), self.study.seed, []
        for rate in rates:
            parts = []
            for held in folds:
                about = self._key(setting, rate, seed, steps) | {"held": array_hash(held)}
                key = key_of(about)
                loss = self.cache.find_loss(key)
                if loss is None:
                    net = self.train(setting, rate, seed, steps, held)
                    scores = predict(net, self.data.train.pixels[held], self.engine.device)
                    chances = scores.softmax(1).double().numpy()
                    loss = balanced_loss(chances, self.data.train.labels[held], self.data.label)
                    self.cache.keep_loss(key, self._told(setting, rate, seed), loss)
                parts.append(loss)
            found.append(float(np.mean(parts)))
        return np.array(found)

    def answer(self, setting: Setting, rate: float, seed: int) -> Answers:
        """See :meth:`Head.answer`."""
        key = key_of(self._key(setting, rate, seed, self.study.steps) | {"test": self._tests})
        known = self.cache.find(key)
        if known is None:
            net = self.train(setting, rate, seed, self.study.steps)
            scores = predict(net, self.data.test.pixels, self.engine.device)
            known = Answers.of(scores.double().numpy(), self.data.label)
            self.cache.keep(key, self._told(setting, rate, seed), known)
        return known

    def describe(self) -> dict[str, object]:
        """See :meth:`Head.describe`."""
        start = "pretrained" if self.rates == FROM_PRETRAINED else "random weights"
        return {
            "classifier": f"{self.name}, from {start}, {self.study.steps} steps",
            "rate": "learning rate",
            "train": len(self.data.train.labels),
        }

    def train(
        self, setting: Setting, rate: float, seed: int, steps: int, held: Rows = NONE_HELD
    ) -> nn.Module:
        """A net that has learned from all training images but those held out."""
        torch.manual_seed(seed)
        net = self.engine.place(build_classifier(self.name, self.data.train)).train()
        learn = classifier_step(net, Schedule(steps, rate, DECAY, fused=True), self.engine)
        changes = torch.Generator().manual_seed(seed)
        for pixels, labels in self.batches(setting, seed, steps, held):
            learn(apply_policy(setting.policy, pixels, changes, self.engine.device), labels)
        return net.eval()

    def batches(
        self, setting: Setting, seed: int, steps: int, held: Rows
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """uint8 images ``(batch, C, S, S)`` and their labels, one pair a step.

        Every arm draws the same numbers and uses those that it needs. So the arms of a seed see
        the same images in the same order, but where a repeated image of the rare class takes the
        place of a base one, and an extra image the place of that.
        """
        train, random, size = self.data.train, np.random.default_rng(seed), self.study.batch
        every = np.setdiff1d(np.arange(len(train.labels)), held)
        mine = np.setdiff1d(self.mine, held)
        extra = self.extras[setting.extra or "samples"]
        usable = extra.without(held)
        # Of all draws, those of the rare class if it counts like so many average classes.
        wanted = setting.weight / (len(train.classes) - 1 + setting.weight)
        lift = _lift(len(mine) / len(every), wanted) if setting.balanced else 0.0
        for _ in range(steps):
            rows = every[random.integers(len(every), size=size)]
            repeats = mine[random.integers(len(mine), size=size)]
            rows = np.where(random.random(size) < lift, repeats, rows)
            pictures = train.pixels[rows]
            swap: NDArray[np.bool_] = random.random(size) < setting.share
            picks = random.integers(max(len(usable), 1), size=size)
            swap &= np.isin(rows, mine) & (len(usable) > 0)
            pictures[swap] = extra.pixels[usable[picks[swap]]]
            yield torch.from_numpy(pictures), torch.from_numpy(train.labels[rows])

    def _key(self, setting: Setting, rate: float, seed: int, steps: int) -> dict[str, object]:
        """All that a training depends on."""
        drawn = self._drawn[setting.extra] if setting.share else ""
        return {
            **self._about,
            "setting": repr(setting),
            "rate": rate,
            "seed": seed,
            "steps": steps,
            "extra": drawn,
        }

    def _told(self, setting: Setting, rate: float, seed: int) -> dict[str, object]:
        """What a reader of the cache wants to know."""
        return {"head": self.name, "setting": repr(setting), "rate": rate, "seed": seed}


def _lift(has: float, wanted: float) -> float:
    """The share of draws to turn into the rare class, so that it gets ``wanted`` of them all."""
    return max(0.0, (wanted - has) / (1 - has))
