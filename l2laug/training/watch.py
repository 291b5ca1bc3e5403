"""The watch over fine-tuning: is the target like its class, does it still vary, does it copy?"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch

from l2laug.bundles import Bundle
from l2laug.errors import ImageError
from l2laug.images import ImageSet, Pixels, to_pixels
from l2laug.nn.batches import to_batch
from l2laug.nn.device import Engine
from l2laug.scoring.copies import find_copies
from l2laug.scoring.diversity import spread
from l2laug.scoring.features import Features, bundle_extractor
from l2laug.training.adversarial import Pair

DRAWS = 48  # of each class at a look, or as few as make MOST_DRAWS in all
MOST_DRAWS = 480
LEAST_SPREAD = 0.9  # of that of real images
MOST_COPIES = 0.05
PATIENCE = 3  # looks without a better one
TRUST = 5  # the spread of source classes counts as much as that of so many rare images


@dataclass(frozen=True)
class Look:
    """What was seen of the target at one moment, as means over its classes.

    Attributes:
        steps: taken so far.
        distance: mean feature distance from draws to the centre of the support images.
        spread: mean feature distance between draws, over that expected of real images.
        copies: share of draws nearer to a support image than real ones would be, where there are
            support images enough to tell.
    """

    steps: int
    distance: float
    spread: float
    copies: float | None

    @property
    def sound(self) -> bool:
        """Whether it neither varies less than real images nor copies."""
        return self.spread >= LEAST_SPREAD and (self.copies or 0.0) <= MOST_COPIES

    def describe(self) -> str:
        """In words, for the log."""
        said = f"draws vary {self.spread:.2f} times as much as real images may"
        return said if self.copies is None else f"{said}, {self.copies:.0%} of them copies"


class Watch:
    """Looks at a target now and then and keeps the best moment.

    That is the one nearest to the class among those that vary as real images do and do not copy;
    where there is none of these, the one that varies most. It looks through the bundle's feature
    net, which nothing was trained against, at draws from the same latents every time.

    Args:
        support: the rare images.
        bundle: tells how far images of a class usually lie apart.
        engine: where the target draws.
        seed: of the latents.
        every: after how many steps it looks again.
    """

    def __init__(
        self, support: ImageSet, bundle: Bundle, engine: Engine, seed: int, every: int
    ) -> None:
        self.support, self.engine, self.seed, self.every = support, engine, seed, every
        self.extract = bundle_extractor(bundle)
        usual = float(bundle.info["source"]["spread"])
        each = max(2, min(DRAWS, MOST_DRAWS // len(support.classes)))
        mine = [np.flatnonzero(support.labels == c) for c in range(len(support.classes))]
        self.given = np.concatenate([np.resize(rows, each) for rows in mine])
        features = self.extract(support.pixels)
        self.centres = [features[rows].mean(0) for rows in mine]
        self.expected = [expected_spread(features[rows], usual) for rows in mine]
        self.looks: list[Look] = []
        self.best: tuple[Look, Pair] | None = None

    def look(self, nets: Pair, steps: int) -> Look:
        """Look at a target after so many steps, and keep a copy of it if it is the best so far."""
        seen = self.judge(self._draw(nets), steps)
        self.looks.append(seen)
        if self.best is None or _better(seen, self.best[0]):
            self.best = seen, copy.deepcopy(nets)
        return seen

    @property
    def enough(self) -> bool:
        """Whether the last looks found nothing better."""
        if self.best is None:
            return False
        return len(self.looks) - 1 - self.looks.index(self.best[0]) >= PATIENCE

    def judge(self, drawn: Pixels, steps: int) -> Look:
        """Judge draws ``(N, C, S, S)``, as many of each class, the classes one after another."""
        features, labels = self.extract(drawn), self.support.labels[self.given]
        distances, spreads, copies = [], [], []
        for label, (centre, expected) in enumerate(zip(self.centres, self.expected, strict=True)):
            mine = features[labels == label]
            distances.append(float(np.linalg.norm(mine - centre, axis=1).mean()))
            spreads.append(spread(mine) / expected)
            shown = self.support.pixels[self.support.labels == label]
            try:
                copies.append(find_copies(drawn[labels == label], shown).share)
            except ImageError:  # too few images to tell
                continue
        return Look(
            steps,
            float(np.mean(distances)),
            float(np.mean(spreads)),
            float(np.mean(copies)) if copies else None,
        )

    @torch.no_grad()
    def _draw(self, nets: Pair) -> Pixels:
        random = torch.Generator().manual_seed(self.seed)
        z = torch.randn(len(self.given), nets.generator.options.latent, generator=random)
        parts = []
        for rows in np.array_split(np.arange(len(z)), -(-len(z) // 64)):
            given = torch.from_numpy(self.support.pixels[self.given[rows]])
            x = to_batch(given, self.engine.device)
            gems = dict(nets.gems.items())
            parts.append(nets.generator(x, z[rows].to(x.device), gems).float().cpu().numpy())
        return to_pixels(np.concatenate(parts))


def expected_spread(features: Features, usual: float) -> float:
    """The spread of a class of which these features ``(N, D)`` are known.

    Between theirs, which few images tell badly, and the ``usual`` one of source classes.
    """
    count = len(features)
    own = spread(features) if count > 1 else usual
    return (count * own + TRUST * usual) / (count + TRUST)


def _better(one: Look, other: Look) -> bool:
    if one.sound != other.sound:
        return one.sound
    return one.distance < other.distance if one.sound else one.spread > other.spread
