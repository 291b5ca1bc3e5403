"""The paper's tables from scores: GEM types (Table 3), ablations, and what bounds them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from l2laug.config.recipe import GemOptions, Recipe
from l2laug.evaluation.held_out_scores import HeldOutScores
from l2laug.reports.tables import score_table

STRONG, WEAK, PLAIN, REAL = "strong", "weak", "target without GEMs", "real images"
TYPES = (1, 2, 3)
ABLATIONS: dict[str, list[dict[str, object]]] = {
    "strategy": [{"strategy": s} for s in "ABC"],
    "norm": [{"norm": n} for n in ("l1", "l2")],
    "K": [{"positions": tuple(range(k))} for k in (1, 2, 3)],
}

Scores = Mapping[str, Sequence[HeldOutScores]]


def gem_name(options: GemOptions) -> str:
    """``type 3, C, l1, K 3``: what sets phi_t's GEMs apart from others in an experiment."""
    return f"type {options.type}, {options.strategy}, {options.norm}, K {len(options.positions)}"


def gem_variants(gems: GemOptions) -> list[GemOptions]:
    """The GEMs of all tables: those of the recipe, and those that differ from them in one thing."""
    changes = [{"type": t} for t in TYPES] + [c for rows in ABLATIONS.values() for c in rows]
    found = {gem_name(g): g for g in [gems, *(gems.model_copy(update=c) for c in changes)]}
    return list(found.values())


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
        "| GEM | weak | target without GEMs | target | target / without GEMs | target / weak |",
        "|---|---|---|---|---|---|",
    ]
    for kind in TYPES:
        mine = _fid(scores, gem_name(recipe.gems.model_copy(update={"type": kind})))
        weak, plain = _fid(scores, WEAK), _fid(scores, PLAIN)
        cells = [_cell(v) for v in (weak, plain, mine, mine / plain, mine / weak)]
        lines.append(f"| type {kind} | " + " | ".join(cells) + " |")
    lines += ["", "## Ablations", "", "| changed | to | target |", "|---|---|---|"]
    for key, rows in ABLATIONS.items():
        for change in rows:
            options = recipe.gems.model_copy(update=change)
            value = len(options.positions) if key == "K" else getattr(options, key)
            lines.append(f"| {key} | {value} | {_cell(_fid(scores, gem_name(options)))} |")
    lines += ["", "## Every score", "", score_table({k: list(v) for k, v in scores.items()}), ""]
    return "\n".join(lines)


def _fid(scores: Scores, name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([s.fid for s in scores[name]])


def _cell(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> str:
    return f"{values.mean():.3g} ± {values.std():.2g}"
