"""What each of several processes does in :mod:`tests.runtime.test_processes`, by torchrun."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from l2laug.cli import app
from l2laug.config.load import find_recipe
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import read_classes
from l2laug.nn.critic import Critic
from l2laug.nn.generator import Generator
from l2laug.runtime.device import pick_engine
from l2laug.runtime.processes import Processes
from l2laug.runtime.session import Session
from l2laug.training.gan_step import GanTrainer, GeneratorWithGems
from l2laug.training.pairs import PairSampler


def main(source: Path, recipe_file: str, out: Path) -> None:
    """Three steps; this process's weights, its own next batch and latents go to ``out``.

    Then both pretrain a bundle, as the command line does.
    """
    processes, engine = Processes(cpu=True), pick_engine("cpu")
    recipe = find_recipe(recipe_file)
    torch.manual_seed(0)
    trainer = GanTrainer(
        GeneratorWithGems(Generator(recipe.generator)),
        Critic(recipe.critic, recipe.generator),
        recipe.source,
        Session(engine, Progress(quiet=True)),
        processes=processes,
    )
    pairs = PairSampler(
        read_classes(class_folders(source), 32, 1),
        engine.device,
        0,
        place=processes.index,
        places=processes.count,
    )
    for _ in range(3):
        trainer.step(pairs)
    found = {
        "generator": torch.cat([p.detach().flatten() for p in trainer.nets.parameters()]),
        "critic": torch.cat([p.detach().flatten() for p in trainer.critic.parameters()]),
        "given": pairs.draw(4).given,
        "latents": torch.randn(4, generator=trainer.latents),
    }
    torch.save(found, out / f"process-{processes.index}.pt")
    words = ["pretrain", source, "-o", out / "bundle", "--recipe", recipe_file]
    app([str(word) for word in (*words, "--json")])


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
