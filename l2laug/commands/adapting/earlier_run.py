"""A run that is there already: is it what adapting anew would make, and by which bundle?"""

from __future__ import annotations

from pathlib import Path

from l2laug.artifacts.names import MODEL
from l2laug.commands.adapting.adapt_class import Plan, recipe_hash, support_hashes
from l2laug.core.errors import OutputError
from l2laug.data.base_classes import base_hashes
from l2laug.data.image_set import ImageSet
from l2laug.sampling.sampler import Sampler


def bundle_of(run: Path) -> str:
    """The name of the bundle that a run was adapted from.

    Raises:
        BundleError: its model can't be loaded.
    """
    return Sampler(run / MODEL, device="cpu").card.bundle


def check_same(run: Path, support: ImageSet, plan: Plan) -> None:
    """Make sure that a run is what adapting anew, with no budget, would make of these images.

    Raises:
        OutputError: it was adapted with other images or options.
        BundleError: its model can't be loaded.
    """
    card = Sampler(run / MODEL, device="cpu").card
    along = () if plan.base is None else base_hashes(plan.base)
    options = plan.session.seed, plan.bundle.digest, recipe_hash(plan.recipe)
    wanted = (*options, support_hashes(support), along)
    found = (card.seed, card.bundle_hash, card.recipe_hash, card.support_hashes, card.base_hashes)
    if found != wanted:
        raise OutputError(
            f"{run} was adapted with other images or options.",
            "Give --overwrite in place of --resume, or another place with -o.",
        )
