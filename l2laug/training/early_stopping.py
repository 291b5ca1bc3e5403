"""Early stopping of fine-tuning: are draws of their class, do they still vary, do they copy?"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from l2laug.artifacts.bundle import Bundle
from l2laug.core.arrays import Pixels, to_pixels
from l2laug.core.errors import ImageError
from l2laug.data.image_set import ImageSet
from l2laug.features.extractor import bundle_extractor
from l2laug.metrics.copies import find_copies
from l2laug.metrics.diversity import diversity
from l2laug.nn.batches import to_batch
from l2laug.nn.gem import with_strength
from l2laug.nn.generator import Generator
from l2laug.nn.prototype_classifier import PrototypeClassifier
from l2laug.runtime.session import Session
from l2laug.training.few_images import distinct, expected_diversity, frechet_to_few
from l2laug.training.gan_step import GeneratorWithGems

DRAWS = 48  # of each class at an evaluation, or as few as make MOST_DRAWS in all
MOST_DRAWS = 480
LEAST_CLASS_ACCURACY = 0.9
LEAST_DIVERSITY = 0.8  # of what is expected of real images
MOST_COPIES = 0.05
PATIENCE = 3  # evaluations without a better one
CLEARLY = 0.02  # by how much of the variance a later moment has to be nearer
SCALES = (1.2, 1.5, 1.8)  # of latents
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)  # of GEMs, 0 first


@dataclass(frozen=True)
class TargetEvaluation:
    """What was seen of the target at one moment, as means over its classes.

    Attributes:
        steps: taken so far.
        distance: squared Frechet distance from the draws to what is expected of real images, were
            both isotropic normal in features, over the variance expected of real images; what so
            few images may be off by is subtracted.
        diversity: mean feature distance between draws, over that expected of real images.
        class_accuracy: share of draws that the prototype classifier takes for their class, among
            all that it knows.
        copies: share of draws nearer to a support image than real ones would be, where there are
            support images enough to tell.
    """

    steps: int
    distance: float
    diversity: float
    class_accuracy: float
    copies: float | None

    @property
    def acceptable(self) -> bool:
        """Whether draws are of their class, vary and are no copies."""
        return (
            self.class_accuracy >= LEAST_CLASS_ACCURACY
            and self.diversity >= LEAST_DIVERSITY
            and (self.copies or 0.0) <= MOST_COPIES
        )

    def describe(self) -> str:
        """In words, for the log."""
        said = (
            f"class accuracy {self.class_accuracy:.0%}, diversity {self.diversity:.2f} times that "
            "expected of real images"
        )
        return said if self.copies is None else f"{said}, {self.copies:.0%} of them copies"


@dataclass(frozen=True)
class GemEvaluation:
    """What was seen of a target with its GEMs at a strength from 0 to 1."""

    strength: float
    seen: TargetEvaluation


@dataclass(frozen=True)
class GemChoice:
    """At which strength GEMs are plugged in.

    Attributes:
        strength: from 0, where they change nothing, to 1.
        evaluations: what was seen at each strength; nothing where there was no choice.
    """

    strength: float
    evaluations: tuple[GemEvaluation, ...] = ()

    def describe(self) -> str:
        """In words, for the log."""
        seen = {e.strength: e.seen for e in self.evaluations}
        if not self.strength:
            return "GEMs: strength 0, they make no draws better"
        before, after = (seen[s].distance for s in (0.0, self.strength))
        return f"GEMs: strength {self.strength:g}, distance {before:.2f} -> {after:.2f}"


class EarlyStopping:
    """Evaluates a target now and then and keeps the best moment.

    That is the one at the smallest distance among those that are acceptable, or among all where
    none is; a later one has to be clearly nearer, for few images tell little of distances, and
    steps on them cost variety. Distance and diversity are seen through the bundle's feature net,
    which nothing was trained against, in draws from the same latents every time.

    Args:
        support: the rare images.
        bundle: has the feature net.
        classifier: knows the rare classes, their labels first.
        session: where the target draws, and the seed of the latents.
        every: after how many steps it evaluates again; 0 for one that is asked once.
        usual: mean feature distance between images of a class.
    """

    def __init__(
        self,
        support: ImageSet,
        bundle: Bundle,
        classifier: PrototypeClassifier,
        session: Session,
        every: int,
        *,
        usual: float,
    ) -> None:
        self.support, self.classifier, self.session = support, classifier, session
        self.every = every
        self.extract = bundle_extractor(bundle)
        each = max(2, min(DRAWS, MOST_DRAWS // len(support.classes)))
        mine = [np.flatnonzero(support.labels == c) for c in range(len(support.classes))]
        self.given = np.concatenate([np.resize(rows, each) for rows in mine])
        features = self.extract(support.pixels)
        self.real = [features[rows] for rows in mine]
        different = [rows[distinct(support.pixels[rows])] for rows in mine]
        self.expected = [expected_diversity(features[rows], usual) for rows in different]
        self.evaluations: list[TargetEvaluation] = []
        self.best: tuple[TargetEvaluation, GeneratorWithGems] | None = None

    def evaluate(self, nets: GeneratorWithGems, steps: int) -> TargetEvaluation:
        """Evaluate a target after so many steps; keep a copy if it is the best so far."""
        seen = self.score(self._draw(nets), steps)
        self.evaluations.append(seen)
        if self.best is None or _better(seen, self.best[0], CLEARLY):
            self.best = seen, copy.deepcopy(nets)
        return seen

    @property
    def found(self) -> tuple[TargetEvaluation, GeneratorWithGems]:
        """The best so far.

        Raises:
            ValueError: nothing was evaluated yet.
        """
        if self.best is None:
            raise ValueError("nothing was evaluated yet")
        return self.best

    def widen(self) -> float:
        """Where the best moment varies too little, try longer latents, and keep what is best.

        Of very few images draws vary less than real ones do; longer latents reach farther out.

        Returns:
            How many times as long they are; 1 leaves everything as it was.
        """
        (best, nets), chosen = self.found, 1.0
        for scale in SCALES:
            wide = copy.deepcopy(nets)
            scale_latents(wide.generator, scale)
            seen = self.score(self._draw(wide), best.steps)
            so_far = self.found[0]
            # Where none is acceptable, what varies more may not pay for it with its class.
            known = seen.class_accuracy >= min(LEAST_CLASS_ACCURACY, so_far.class_accuracy)
            # The mean may come nearer by chance; it is the diversity that latents are there for.
            fitting = abs(seen.diversity - 1) < abs(so_far.diversity - 1)
            if known and fitting and _better(seen, so_far):
                self.best, chosen = (seen, wide), scale
        return chosen

    def plug_in(self, gems: nn.ModuleDict) -> GemChoice:
        """Plug GEMs into the best moment, at the strength at which its draws are best.

        Strength 0 is that moment without GEMs: where they make nothing clearly better, it stays so.

        Args:
            gems: at full strength.

        Raises:
            ValueError: there is no moment yet.
        """
        (best, nets), chosen = self.found, 0.0
        evaluations = list[GemEvaluation]()
        for strength in STRENGTHS:
            tried = GeneratorWithGems(nets.generator, with_strength(gems, strength)).eval()
            seen = self.score(self._draw(tried), best.steps)
            evaluations.append(GemEvaluation(strength, seen))
            if not strength or (
                _better(seen, self.found[0]) and _nearer(seen, evaluations[0].seen)
            ):
                self.best, chosen = (seen, tried), strength
        return GemChoice(chosen, tuple(evaluations))

    @property
    def enough(self) -> bool:
        """Whether the last evaluations found nothing better."""
        if self.best is None:
            return False
        return len(self.evaluations) - 1 - self.evaluations.index(self.best[0]) >= PATIENCE

    def score(self, drawn: Pixels, steps: int) -> TargetEvaluation:
        """Score draws ``(N, C, S, S)``, as many of each class, the classes one after another."""
        features, labels = self.extract(drawn), self.support.labels[self.given]
        mine = [features[labels == label] for label in range(len(self.real))]
        diversities = [diversity(m) / e for m, e in zip(mine, self.expected, strict=True)]
        copies = []
        for label in range(len(mine)):
            shown = self.support.pixels[self.support.labels == label]
            try:
                copies.append(find_copies(drawn[labels == label], shown).share)
            except ImageError:  # too few images to tell
                continue
        return TargetEvaluation(
            steps,
            frechet_to_few(mine, self.real, self.expected),
            float(np.mean(diversities)),
            float(self.classifier.is_right(drawn, labels).mean()),
            float(np.mean(copies)) if copies else None,
        )

    @torch.no_grad()
    def _draw(self, nets: GeneratorWithGems) -> Pixels:
        random = torch.Generator().manual_seed(self.session.seed)
        z = torch.randn(len(self.given), nets.generator.options.latent, generator=random)
        parts = []
        for rows in np.array_split(np.arange(len(z)), -(-len(z) // 64)):
            given = torch.from_numpy(self.support.pixels[self.given[rows]])
            x = to_batch(given, self.session.engine.device)
            gems = dict(nets.gems.items())
            parts.append(nets.generator(x, z[rows].to(x.device), gems).float().cpu().numpy())
        return to_pixels(np.concatenate(parts))


@torch.no_grad()
def scale_latents(generator: Generator, scale: float) -> None:
    """Make a generator draw from ``z`` what it drew from ``scale * z``."""
    for name, parameter in generator.noise.named_parameters():
        if name.endswith("weight"):
            parameter.mul_(scale)


def _better(one: TargetEvaluation, other: TargetEvaluation, margin: float = 0.0) -> bool:
    return (
        one.distance < other.distance - margin
        if one.acceptable == other.acceptable
        else one.acceptable
    )


def _nearer(seen: TargetEvaluation, without: TargetEvaluation) -> bool:
    """Whether GEMs bring draws clearly nearer, or make them acceptable and no farther."""
    mended = seen.acceptable and not without.acceptable
    return seen.distance < without.distance + (CLEARLY if mended else -CLEARLY)
