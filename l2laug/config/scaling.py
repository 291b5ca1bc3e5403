"""A recipe whose trainings are all shorter or longer by the same factor."""

from __future__ import annotations

from l2laug.config.recipe import Recipe

PARTS = ("source", "weak", "gems", "target", "features")


def scaled(recipe: Recipe, scale: float) -> Recipe:
    """The recipe with every number of steps times ``scale``, none that was there below 1."""
    changed = recipe.model_dump()
    for part in PARTS:
        for key in ("steps", "tune_steps"):
            if steps := changed[part].get(key):
                changed[part][key] = max(1, round(steps * scale))
    changed["target"]["gems"] = True
    return Recipe.model_validate(changed)
