"""How much faster a step of source training is in bfloat16 than in float32.

    python -m tests.benchmarks.precision --recipe glyphs

A step is one of the generator and one of the critic as `pretrain` takes them, on random images of
the recipe's size; a round is as many steps as lie between two gradient penalties. The ratio is
bfloat16's time to float32's: below 0.75 `pretrain` and `adapt` take bfloat16.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from l2laug.config.load import find_recipe
from l2laug.config.recipe import Recipe
from l2laug.core.progress import Progress
from l2laug.data.image_set import ImageSet
from l2laug.nn.critic import Critic
from l2laug.nn.generator import Generator
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training.gan_step import GanTrainer, GeneratorWithGems
from l2laug.training.pairs import PairSampler
from tests.benchmarks.ratios import ratio, show, time_in_turn

CLASSES, EACH = 16, 4


def random_images(recipe: Recipe) -> ImageSet:
    """Noise in place of images: what a step takes does not depend on them."""
    count, size = CLASSES * EACH, recipe.generator.size
    shape = (count, recipe.generator.channels, size, size)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    names = tuple(f"{i:02d}" for i in range(CLASSES))
    paths = tuple(Path(f"{i}.png") for i in range(count))
    return ImageSet(pixels, np.arange(count) // EACH, names, paths)


def stepper(recipe: Recipe, device: str, dtype: torch.dtype) -> Callable[[], None]:
    """Something that takes the steps of one round."""
    engine = Engine(torch.device(device), dtype)
    torch.manual_seed(0)
    generator, critic = Generator(recipe.generator), Critic(recipe.critic, recipe.generator)
    session = Session(engine, Progress(quiet=True))
    trainer = GanTrainer(GeneratorWithGems(generator), critic, recipe.source, session)
    pairs = PairSampler(random_images(recipe), engine.device, 0)

    def steps() -> None:
        for _ in range(recipe.source.penalty_every):
            trainer.step(pairs)
        if device == "cuda":
            torch.cuda.synchronize()

    return steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="glyphs")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()

    recipe = find_recipe(given.recipe)
    dtypes = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    actions = {name: stepper(recipe, given.device, dtype) for name, dtype in dtypes.items()}
    seconds = time_in_turn(actions, given.rounds)
    steps = recipe.source.penalty_every
    facts = {
        "recipe": f"{recipe.name}, batch {recipe.source.batch}, {given.device}",
        "threads": torch.get_num_threads(),
        "seconds a step in float32": round(min(seconds["float32"]) / steps, 3),
    }
    show([ratio(seconds, "bfloat16", "float32")], facts, as_json=given.json)


if __name__ == "__main__":
    main()
