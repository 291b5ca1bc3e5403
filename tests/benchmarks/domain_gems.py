"""A bundle with GEMs that learned from domain episodes, beside the networks that it has.

    python -m tests.benchmarks.domain_gems OMNIGLOT -o OUT --work FOLDER --bundle glyphs --type 3

Of the bundle named nothing is trained but the GEMs: this is what `pretrain` does last with a recipe
of `gems.episodes: domain`. `--work` keeps the episodes, so that the same command goes on after a
stop and GEMs of other types learn from the same ones. It prints, by decoder block, how much of the
way from few to many images is left on domains of held-out classes, at each strength.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import torch

from l2laug.artifacts.bundle import Bundle, find_bundle, write_info
from l2laug.artifacts.names import INFO
from l2laug.config.load import parse_recipe
from l2laug.config.recipe import Recipe
from l2laug.core.files import whole_folder
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.nn.gem import build_gems, with_strength
from l2laug.nn.weights import save_weights
from l2laug.runtime.session import Session
from l2laug.training.early_stopping import STRENGTHS
from l2laug.training.gems.episodes import Start, make_episodes
from l2laug.training.gems.on_domains import distance_left, train_on_domains
from l2laug.training.initial_weights import bundle_weights


def sets_of(source: Path, bundle: Bundle) -> tuple[ImageSet, ImageSet]:
    """Classes that a bundle learned from, and those that it held out."""
    held_out = set(bundle.info["source"]["held_out"])
    images = read_classes(class_folders(source), bundle.size, bundle.channels)
    known = [name for name in images.classes if name not in held_out]
    return images.of(known), images.of(sorted(held_out))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="class folders that the bundle was trained from")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--bundle", default="glyphs")
    parser.add_argument("--type", type=int, default=3)
    parser.add_argument("--norm", default="l1")
    parser.add_argument("--strategy", default="C")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--domains", type=int, default=52)
    parser.add_argument("--meta-rounds", type=int, default=0)
    parser.add_argument("--meta-steps", type=int, default=10)
    parser.add_argument("--meta-rate", type=float, default=0.5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    bundle = find_bundle(arguments.bundle)
    plain = parse_recipe(bundle.info["recipe"], bundle.name).model_dump(mode="json")
    keys = ("type", "norm", "strategy", "steps", "batch", "meta_rounds", "meta_steps", "meta_rate")
    plain["gems"] |= {"episodes": "domain"} | {key: getattr(arguments, key) for key in keys}
    plain["domains"]["count"] = arguments.domains
    recipe: Recipe = parse_recipe(plain, bundle.name)
    session = Session.start("cpu", Progress())
    weights, sets = bundle_weights(bundle, recipe), sets_of(arguments.source, bundle)
    start = Start(weights.generator, weights.critic, weights.classifier)
    torch.manual_seed(session.seed)
    gems = build_gems(recipe.gems, recipe.generator)
    trained = train_on_domains(gems, sets, start, recipe, session, arguments.work)
    _, held_out = make_episodes(*sets, start, recipe, session, arguments.work)
    for strength in STRENGTHS[1:]:
        left = distance_left(with_strength(gems, strength), held_out, recipe, session)
        print(f"strength {strength:g}:", {name: round(share, 3) for name, share in left.items()})
    with whole_folder(arguments.out, last=INFO) as part:
        for name in bundle.info["files"]:
            shutil.copyfile(bundle.path / name, part / name)
        save_weights(gems, part / "gems.safetensors")
        told = {"gem_losses": trained.losses, "gem_distance_left": trained.distance_left}
        named = {"name": arguments.out.resolve().name, "recipe": recipe.model_dump(mode="json")}
        write_info(part, {**bundle.info, **named, **told})


if __name__ == "__main__":
    main()
