"""A bundle whose GEMs are of other options than its own, all else as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch

from l2laug.artifacts.bundle import Bundle, open_bundle, write_info
from l2laug.artifacts.names import INFO
from l2laug.config.recipe import GemOptions, Recipe
from l2laug.core.files import whole_folder
from l2laug.data.image_set import ImageSet
from l2laug.nn.gem import build_gems
from l2laug.nn.weights import save_weights
from l2laug.runtime.session import Session
from l2laug.training.gems.episodes import Start
from l2laug.training.gems.fit import train_gems
from l2laug.training.gems.on_domains import train_on_domains
from l2laug.training.initial_weights import bundle_weights, load_generator
from l2laug.training.pairs import PairSampler

EPISODES = ".episodes"  # a folder beside the bundles: GEMs of all options learn from the same


def with_gems(
    base: Bundle,
    options: GemOptions,
    sets: tuple[ImageSet, ImageSet],
    recipe: Recipe,
    place: Path,
    session: Session,
) -> Bundle:
    """The bundle with GEMs of other options, which learn between its own generators.

    Args:
        base: has all else; it serves itself where its GEMs are of these options.
        options: of the GEMs.
        sets: the source classes, and those that were held out.
        recipe: of the bundle.
        place: folder of the new one, taken as it is if it is there.
        session: engine and progress; the seed is the bundle's.
    """
    if options == GemOptions.model_validate(base.info["recipe"]["gems"]):
        return base
    if (place / INFO).is_file():
        return open_bundle(place)
    session = session.seeded(int(base.info["seed"]))
    torch.manual_seed(session.seed)
    gems = build_gems(options, recipe.generator)
    changed = recipe.model_copy(update={"gems": options})
    session.progress.say(f"GEMs {place.name}")
    if options.episodes == "domain":
        from_strong = recipe.target.model_copy(update={"start": "strong"})
        found = bundle_weights(base, recipe.model_copy(update={"target": from_strong}))
        start = Start(found.generator, found.critic, found.classifier)
        train_on_domains(gems, sets, start, changed, session, place.parent / EPISODES)
    else:
        strong, weak = (load_generator(base, recipe, which) for which in ("strong", "weak"))
        pairs = PairSampler(sets[0], session.engine.device, session.seed)
        train_gems(gems, strong, weak, pairs, options, session)
    with whole_folder(place, last=INFO) as part:
        for name in base.info["files"]:
            shutil.copyfile(base.path / name, part / name)
        save_weights(gems, part / "gems.safetensors")
        recipe_now = changed.model_dump(mode="json")
        write_info(part, {**base.info, "name": place.name, "recipe": recipe_now})
    return open_bundle(place)
