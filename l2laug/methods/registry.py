"""Methods by their names in recipes."""

from __future__ import annotations

from collections.abc import Callable

from l2laug.config.methods import L2L
from l2laug.config.recipe import Recipe
from l2laug.methods.dagan import Dagan
from l2laug.methods.dawson import Dawson
from l2laug.methods.deltagan import DeltaGan
from l2laug.methods.f2gan import F2gan
from l2laug.methods.figr import Figr
from l2laug.methods.learning.method import MetaMethod, Method
from l2laug.methods.learning.trainer import MetaTrainer, MethodTrainer
from l2laug.methods.matchinggan import MatchingGan
from l2laug.runtime.processes import Processes
from l2laug.runtime.session import Session

ALONE: dict[str, Callable[[Recipe], Method]] = {"dagan": Dagan, "figr": Figr, "dawson": Dawson}
WITH_CLASSES: dict[str, Callable[[Recipe, int], Method]] = {
    "matchinggan": MatchingGan,
    "f2gan": F2gan,
    "deltagan": DeltaGan,
}


def build_method(recipe: Recipe, classes: int) -> Method:
    """The method that a recipe names, its weights random.

    Args:
        recipe: of any method but ``l2l``.
        classes: how many source classes there are, which some critics tell.
    """
    if recipe.method in ALONE:
        return ALONE[recipe.method](recipe)
    return WITH_CLASSES[recipe.method](recipe, classes)


def build_trainer(
    recipe: Recipe, classes: int, session: Session, processes: Processes | None = None
) -> MethodTrainer:
    """What trains the method that a recipe names, from random weights."""
    method = build_method(recipe, classes)
    trainer = MetaTrainer if isinstance(method, MetaMethod) else MethodTrainer
    return trainer(method, recipe.source, session, processes)


def images_a_step(recipe: Recipe) -> int:
    """Real images that a step of a recipe's source training sees, of any method."""
    if recipe.method == L2L:
        return 2 * recipe.source.batch * recipe.source.critic_steps
    return build_method(recipe, 2).images_a_step(recipe.source)
