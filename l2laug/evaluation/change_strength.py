"""How far each part of a change may go: as far as what it makes still passes for the class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from l2laug.core.arrays import Features, Pixels, to_unit
from l2laug.data.images.originals import Original
from l2laug.evaluation.draw_quality import ALONE, DRAWS, DrawGauge, DrawQuality, small
from l2laug.features.general import GeneralNet
from l2laug.nn.changes.generator import PARTS, ChangeGenerator
from l2laug.sampling.apply_change import Change, apply_change

# Shares of the bundle's own, tried from the largest on; a part of which none passes is left out.
STRENGTHS: tuple[float, ...] = (1.0, 0.75, 0.5, 0.25)
UNSEEN = 0.5  # at most, where the general net can't tell the class from other things


@dataclass(frozen=True)
class StrengthEvaluation(DrawQuality):
    """What was seen of draws at some strengths.

    Attributes:
        strength: of affine motion, flow, tone and drawn difference.
    """

    strength: tuple[float, ...] = ()


@dataclass(frozen=True)
class StrengthChoice:
    """The strengths to draw with.

    Attributes:
        strength: of affine motion, flow, tone and drawn difference; 0 leaves a part out.
        evaluations: everything that was looked at, in order.
        notes: what could not be told.
    """

    strength: tuple[float, ...]
    evaluations: tuple[StrengthEvaluation, ...]
    notes: tuple[str, ...]


def choose_strength(
    generator: ChangeGenerator,
    support: Pixels,
    originals: Sequence[Original],
    net: GeneralNet,
    seed: int = 0,
    foreign: Features | None = None,
) -> StrengthChoice:
    """For each part in turn the largest strength whose draws pass, those before it as chosen.

    Args:
        generator: decides the changes.
        support: uint8 ``(N, C, S, S)``, what it sees of the rare images.
        originals: the images themselves, which the changes are applied to.
        net: the general net, which looks at what comes out.
        seed: of the latents.
        foreign: features of other things, which the net has to tell the originals from before its
            similarity is believed, see :class:`DrawGauge`.
    """
    gauge = DrawGauge([small(original) for original in originals], net, foreign)
    looker = _Looker(generator, support, gauge, seed)
    notes, most = list[str](), generator.change.strength
    strengths = tuple(most * share for share in STRENGTHS if gauge.tells or share <= UNSEEN)
    if not gauge.tells:
        notes.append(
            "The general net can't tell these images from other things, so nothing says whether "
            f"draws are of their class: changes go no farther than {UNSEEN:g} of their strength."
        )
    if len(support) < 2:
        notes.append(
            "With one image nothing tells how far its class varies: draws may lie no farther than "
            f"{ALONE:g} (cosine distance of general features) from it."
        )
    chosen, seen = [0.0] * len(PARTS), list[StrengthEvaluation]()
    for i, part in enumerate(PARTS):
        if not getattr(generator.change, part):
            continue
        for strength in strengths:
            tried = [*chosen[:i], strength, *chosen[i + 1 :]]
            seen.append(looker.evaluate(tuple(tried)))
            if seen[-1].acceptable:
                chosen = tried
                break
    return StrengthChoice(tuple(chosen), tuple(seen), tuple(notes))


class _Looker:
    """Draws with any strengths from the same latents, and looks at what comes out."""

    def __init__(
        self,
        generator: ChangeGenerator,
        support: Pixels,
        gauge: DrawGauge,
        seed: int,
    ) -> None:
        self.generator = generator.eval()
        self.rows = np.arange(max(DRAWS, len(support))) % len(support)
        self.given = torch.from_numpy(to_unit(support))[self.rows]
        random = torch.Generator().manual_seed(seed)
        self.latents = torch.randn(len(self.rows), generator.options.latent, generator=random)
        self.gauge = gauge

    @torch.no_grad()
    def evaluate(self, strength: tuple[float, ...]) -> StrengthEvaluation:
        """Draw at these strengths, apply to the originals and measure."""
        found = self.generator(self.given, self.latents, torch.tensor(strength))
        pictures = []
        for k, row in enumerate(self.rows):
            parts = (found.grid[k], found.tone[k], found.difference[k])
            change = Change(*(part.float().numpy() for part in parts))
            original = self.gauge.originals[int(row)]
            pictures.append(apply_change(original.pixels, change, original.colours))
        seen = self.gauge.look(pictures, self.rows)
        return StrengthEvaluation(**vars(seen), strength=strength)
