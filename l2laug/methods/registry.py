"""Methods by their names in recipes."""

from __future__ import annotations

from l2laug.config.recipe import Recipe
from l2laug.methods.dagan import Dagan
from l2laug.methods.learning.method import Method
from l2laug.methods.learning.trainer import MethodTrainer
from l2laug.runtime.processes import Processes
from l2laug.runtime.session import Session


def build_method(recipe: Recipe, classes: int) -> Method:
    """The method that a recipe names, its weights random.

    Args:
        recipe: of any method but ``l2l``.
        classes: how many source classes there are.
    """
    del classes
    return Dagan(recipe)


def build_trainer(
    recipe: Recipe, classes: int, session: Session, processes: Processes | None = None
) -> MethodTrainer:
    """What trains the method that a recipe names, from random weights."""
    return MethodTrainer(build_method(recipe, classes), recipe.source, session, processes)
