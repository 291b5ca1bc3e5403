"""The paper's tables from scores: GEM types (Table 3), ablations, and what bounds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from l2laug.config.recipe import GemOptions, Recipe
from l2laug.evaluation.bundles.held_out_scores import HeldOutScores
from l2laug.reports.tables import markdown_table, mean_cell, score_table

STRONG, WEAK, PLAIN, REAL = "strong", "weak", "target without GEMs", "real images"
TYPES: tuple[Literal[1, 2, 3], ...] = (1, 2, 3)

Floats = NDArray[np.float64]
Scores = Mapping[str, Sequence[HeldOutScores]]


def gem_name(options: GemOptions) -> str:
    """``type 3, C, l1, blocks 0-1-2``: what sets a target's GEMs apart in an experiment.

    All that GEMs are is in it. How long they learn, and how fast, is the recipe's and the same for
    all of an experiment.
    """
    blocks = "-".join(map(str, options.positions))
    name = f"type {options.type}, {options.strategy}, {options.norm}, blocks {blocks}"
    if not options.residual:
        name += ", not residual"
    return name if options.episodes == "classes" else f"{name}, {options.episodes} episodes"


def gem_variants(gems: GemOptions) -> list[GemOptions]:
    """The GEMs of all tables: those of the recipe, and those that differ from them in one thing."""
    changed = [*gem_types(gems).values(), *(g for _, _, g in gem_ablations(gems))]
    return list({gem_name(g): g for g in [gems, *changed]}.values())


def gem_types(gems: GemOptions) -> dict[int, GemOptions]:
    """The GEMs of each type, at the recipe's own positions (Table 3)."""
    return {kind: gems.model_copy(update={"type": kind}) for kind in TYPES}


def gem_ablations(gems: GemOptions) -> list[tuple[str, str, GemOptions]]:
    """What is changed, to what, and the GEMs so changed; K keeps the first of their positions."""
    rows = [("strategy", s, gems.model_copy(update={"strategy": s})) for s in "ABC"]
    rows += [("norm", n, gems.model_copy(update={"norm": n})) for n in ("l1", "l2")]
    for k in range(1, len(gems.positions) + 1):
        rows.append(("K", str(k), gems.model_copy(update={"positions": gems.positions[:k]})))
    return rows


def tables(scores: Scores, recipe: Recipe, scale: float, classes: int) -> str:
    """All tables as Markdown: FID, mean and standard deviation over the seeds.

    Args:
        scores: by method, of each seed; methods of GEMs by :func:`gem_name`.
        recipe: whose GEMs the ablations change.
        scale: what its steps were multiplied with.
        classes: how many held-out classes.
    """
    seeds = len(scores[REAL])
    lines = [
        f"# {recipe.name}, {scale:g} times its steps",
        "",
        f"FID on features of the bundle's own net, over {classes} held-out classes of which "
        f"{recipe.weak.shots} support images. Seeds: {seeds}; ratios are of each.",
        "",
        "## GEM types (the paper's Table 3)",
        "",
    ]
    head = ("GEM", WEAK, PLAIN, "target", "target / without GEMs", "target / weak")
    weak, plain, rows = _fid(scores, WEAK), _fid(scores, PLAIN), []
    for kind, options in gem_types(recipe.gems).items():
        mine = _fid(scores, gem_name(options))
        cells = [_cell(v) for v in (weak, plain, mine, mine / plain, mine / weak)]
        rows.append([f"type {kind}", *cells])
    lines += [*markdown_table(head, rows), "", "## Ablations", ""]
    rows = [
        [key, value, _cell(_fid(scores, gem_name(options)))]
        for key, value, options in gem_ablations(recipe.gems)
    ]
    lines += markdown_table(("changed", "to", "target"), rows)
    lines += ["", "## Every score", "", score_table({k: list(v) for k, v in scores.items()}), ""]
    return "\n".join(lines)


def _fid(scores: Scores, name: str) -> Floats:
    return np.array([s.fid for s in scores[name]])


def _cell(values: Floats) -> str:
    return mean_cell(values, ".3g", ".2g")
