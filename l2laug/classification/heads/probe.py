"""The probe: logistic regression on what a frozen pretrained net sees in views of the images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from l2laug.classification.arms.extras import Extra
from l2laug.classification.arms.policy import Policy, apply_policy
from l2laug.classification.arms.registry import Setting
from l2laug.classification.heads.head import Floats, Rows, balanced_loss
from l2laug.classification.heads.logistic import Logistic, fit_path
from l2laug.classification.predictions import Answers, Labels
from l2laug.classification.study import StudyData
from l2laug.core.arrays import Pixels
from l2laug.core.hashing import array_hash
from l2laug.features.general import BATCH, WIDTH, GeneralNet
from l2laug.runtime.device import Engine

SIDE = 128  # images are read at: a little more than the net's own side, which views are cut from
RARE_VIEWS = 120  # of all rare images together
EXTRA_VIEWS = 200
MOST_BASE = 1500  # base images that are learned from
TWO_VIEWS = 500  # up to so many base images each is seen in two views

Seen = NDArray[np.float32]


class Embedding:
    """Features of images under a policy, on the engine's device and in its precision.

    What it saw is remembered, so that studies of the same real images look at them once.

    Args:
        net: the general net.
        engine: where it computes.
    """

    def __init__(self, net: GeneralNet, engine: Engine) -> None:
        self.net, self.engine = engine.place(net), engine
        self._known: dict[str, Seen] = {}

    def __call__(self, pixels: Pixels, rows: Rows, policy: Policy, seed: int = 0) -> Seen:
        """Features ``(len(rows), 1280)`` of a view of each image that ``rows`` name.

        Args:
            pixels: uint8 ``(N, C, S, S)``.
            rows: of them; one that stands there twice is seen in two views.
            policy: how views differ.
            seed: of the views.
        """
        key = array_hash(pixels[rows]) + repr((policy, seed))
        if key not in self._known:
            self._known[key] = self.look(pixels, rows, policy, seed)
        return self._known[key]

    @torch.no_grad()
    def look(self, pixels: Pixels, rows: Rows, policy: Policy, seed: int) -> Seen:
        """The same, without remembering it."""
        random = torch.Generator().manual_seed(seed)
        found = np.empty((len(rows), WIDTH), np.float32)
        for first in range(0, len(rows), BATCH):
            some = torch.from_numpy(pixels[rows[first : first + BATCH]])
            unit = apply_policy(policy, some, random, self.engine.device)
            with self.engine.autocast():
                seen = self.net(unit.contiguous(memory_format=torch.channels_last))
            found[first : first + len(some)] = seen.float().cpu().numpy()
        return found

    def whole(self, pixels: Pixels) -> NDArray[np.float64]:
        """Features of images as they are."""
        return self(pixels, np.arange(len(pixels)), Policy()).astype(np.float64)


@dataclass(frozen=True)
class Views:
    """Features ``(N, D)`` of views, and the row of the image that each is a view of, ``(N,)``."""

    features: Seen
    rows: Rows

    def take(self, chosen: NDArray[np.int64]) -> Views:
        """Some of them."""
        return Views(self.features[chosen], self.rows[chosen])

    def half(self, random: np.random.Generator) -> Views:
        """A random half of each image's views, one at least."""
        order = np.lexsort((random.random(len(self.rows)), self.rows))
        ordered = self.rows[order]
        starts = np.searchsorted(ordered, ordered)
        counts = np.searchsorted(ordered, ordered, side="right") - starts
        kept = np.arange(len(order)) - starts < (counts + 1) // 2
        return self.take(np.sort(order[kept]))


class Probe:
    """A frozen net with a logistic regression on top, see :class:`Head`.

    Views of the images are looked at once for each policy and kept; every training then fits the
    regression alone. Another seed is another half of the views of each image, and of the extras.

    Args:
        data: images of :data:`SIDE` pixels in RGB.
        extras: see :func:`extras_of`.
        embedding: of the net.
        seed: of the views, and of which images are left out where there are very many.
    """

    name = "probe"
    rates: Sequence[float] = (1e-4, 1e-3, 1e-2, 1e-1)
    shared = False
    folds = 4
    tries = 4

    def __init__(
        self,
        data: StudyData,
        extras: dict[str, Extra],
        embedding: Embedding,
        seed: int = 0,
    ) -> None:
        self.data, self.embedding, self.seed = data, embedding, seed
        self.labels, self.rare = data.train.labels, data.label
        is_rare = self.labels == self.rare
        self.mine = np.flatnonzero(is_rare)
        self.base = _some_of_each(np.flatnonzero(~is_rare), self.labels, MOST_BASE, seed)
        self.extras = {kind: _first(extra, EXTRA_VIEWS, seed) for kind, extra in extras.items()}
        self._views: dict[Policy, Views] = {}
        self._extra_views: dict[tuple[str, Policy], Seen] = {}
        self._tests: Seen | None = None

    def losses(self, setting: Setting, rates: Sequence[float], folds: Sequence[Rows]) -> Floats:
        """See :meth:`Head.losses`."""
        plain, classes = self.views(Policy()), len(self.data.train.classes)
        rows: list[Rows] = []
        said: list[list[Floats]] = [[] for _ in rates]
        for held in folds:
            tests = plain.take(np.flatnonzero(np.isin(plain.rows, held)))
            rows.append(tests.rows)
            for i, model in enumerate(self._fit(setting, rates, held=held)):
                said[i].append(model.chances(tests.features, classes))
        truth = self.labels[np.concatenate(rows)]
        return np.array([balanced_loss(np.concatenate(s), truth, self.rare) for s in said])

    def answer(self, setting: Setting, rate: float, seed: int) -> Answers:
        """See :meth:`Head.answer`."""
        if self._tests is None:
            pixels = self.data.test.pixels
            self._tests = self.embedding(pixels, np.arange(len(pixels)), Policy())
        (model,) = self._fit(setting, (rate,), seed=seed)
        chances = model.chances(self._tests, len(self.data.train.classes))
        return Answers.of(np.log(np.maximum(chances, np.finfo(np.float64).tiny)), self.rare)

    def describe(self) -> dict[str, object]:
        """See :meth:`Head.describe`."""
        return {
            "classifier": "EfficientNet-Lite0 (ImageNet), frozen, and a logistic regression",
            "rate": "C",
            "train": len(self.base) + len(self.mine),
        }

    def views(self, policy: Policy) -> Views:
        """Views of the training images under a policy, made once."""
        if policy not in self._views:
            rows = [self.base, self.mine]
            if not policy.plain:
                each = 2 if len(self.base) <= TWO_VIEWS else 1
                many = max(each, -(-RARE_VIEWS // len(self.mine)))
                rows = [np.repeat(self.base, each), np.repeat(self.mine, many)]
            every = np.concatenate(rows)
            seen = self.embedding(self.data.train.pixels, every, policy, 2 * self.seed)
            self._views[policy] = Views(seen, every)
        return self._views[policy]

    def _of_extra(self, kind: str, policy: Policy) -> Seen:
        key = kind, policy
        if key not in self._extra_views:
            pixels = self.extras[kind].pixels
            every = np.arange(len(pixels))
            self._extra_views[key] = self.embedding(pixels, every, policy, 2 * self.seed + 1)
        return self._extra_views[key]

    def _fit(
        self,
        setting: Setting,
        rates: Sequence[float],
        held: Rows | None = None,
        seed: int | None = None,
    ) -> Sequence[Logistic]:
        """Models of all rates, from all rows but those held out, or from a seed's half of them."""
        views = self.views(setting.policy)
        random = None if seed is None else np.random.default_rng(seed)
        if held is not None:
            views = views.take(np.flatnonzero(~np.isin(views.rows, held)))
        if random is not None:
            views = views.half(random)
        x, y = views.features, self.labels[views.rows]
        weights = self._weights(views, setting)
        if setting.share:
            rows = self.extras[setting.extra].without(self.mine[:0] if held is None else held)
            if random is not None:
                rows = rows[np.sort(random.permutation(len(rows))[: (len(rows) + 1) // 2])]
            if len(rows):
                is_rare = y == self.rare
                whole = weights[is_rare].sum()
                weights[is_rare] *= 1 - setting.share
                x = np.concatenate([x, self._of_extra(setting.extra, setting.policy)[rows]])
                y = np.append(y, np.full(len(rows), self.rare))
                weights = np.append(weights, np.full(len(rows), setting.share * whole / len(rows)))
        # A share of 1 leaves the real images without any weight.
        some = weights > 0
        return list(fit_path(x[some], y[some], weights[some], rates))

    def _weights(self, views: Views, setting: Setting) -> NDArray[np.float64]:
        """Every image counts 1, shared by its views; the rare class like an average other one."""
        weights = 1.0 / np.bincount(views.rows)[views.rows]
        is_rare = self.labels[views.rows] == self.rare
        if setting.balanced:
            rare, others = weights[is_rare].sum(), weights[~is_rare].sum()
            average = others / (len(self.data.train.classes) - 1)
            weights[is_rare] *= max(1.0, average / rare) * setting.weight
        return weights


def _some_of_each(rows: Rows, labels: Labels, most: int, seed: int) -> Rows:
    """At most ``most`` rows, of each class in proportion, in their order."""
    if len(rows) <= most:
        return rows
    random = np.random.default_rng(seed)
    kept = []
    for label in np.unique(labels[rows]):
        mine = rows[labels[rows] == label]
        kept.append(random.permutation(mine)[: max(1, round(most * len(mine) / len(rows)))])
    return np.sort(np.concatenate(kept))


def _first(extra: Extra, most: int, seed: int) -> Extra:
    """A random part of more than ``most``."""
    if len(extra.pixels) <= most:
        return extra
    rows = np.sort(np.random.default_rng(seed).permutation(len(extra.pixels))[:most])
    return replace(extra, pixels=extra.pixels[rows], parents=extra.parents[rows])
