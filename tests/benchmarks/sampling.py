"""How fast samples are drawn and written, beside the bare graph and beside torch.

    python -m tests.benchmarks.sampling RUN/model.onnx

Ratios are of images a second. `torch eager fp32` is the generator of the model's bundle with its
encoder and GEMs, as it was trained; `onnxruntime fp32` runs the model file and does nothing with
what comes out, `graph` does so in the precision that `--precision` asks for; `draw` is the Sampler,
with latents, rounding and bookkeeping; `sample` writes the model's own small squares and a manifest
as `l2laug sample --size` does; `sample at own size` applies changes to the originals. No draw is
rejected here, so that all run the graph equally often.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from l2laug.artifacts.bundle import find_bundle
from l2laug.artifacts.model_card import Card
from l2laug.config.load import parse_recipe
from l2laug.core.progress import Progress
from l2laug.nn.changes.generator import ChangeGenerator
from l2laug.nn.gem import build_gems
from l2laug.nn.generator import Generator
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.session import BATCH
from l2laug.sampling.writer import write_samples
from l2laug.sampling.writing.job import OutputOptions
from tests.benchmarks.ratios import Ratio, ratio, show, speed, time_in_turn

EAGER, PLAIN = "torch eager fp32", "onnxruntime fp32"


def eager(card: Card, count: int, bundle: str) -> Callable[[], None]:
    """Draws with the networks of a bundle; time does not depend on their weights."""
    recipe = parse_recipe(find_bundle(bundle).info["recipe"], f"of bundle {bundle}")
    options = recipe.generator
    assert (options.size, options.channels) == (card.size, card.channels), "another bundle"
    torch.manual_seed(0)
    generator: torch.nn.Module
    plugged = dict[str, torch.nn.Module]()
    if recipe.change is not None:
        generator = ChangeGenerator(options, recipe.change)
    else:
        generator = Generator(options)
        if card.gem_strength:
            plugged = dict(build_gems(recipe.gems, options).items())
    generator.eval()
    x = torch.rand(BATCH, options.channels, options.size, options.size) * 2 - 1
    z = torch.randn(BATCH, options.latent)

    @torch.no_grad()
    def draw() -> None:
        for _ in range(-(-count // BATCH)):
            generator(x, z, gems={name: gem.eval() for name, gem in plugged.items()})

    return draw


def actions_of(plain: Sampler, sampler: Sampler, count: int) -> dict[str, Callable[[], None]]:
    """What is timed, but for torch."""
    feed = {
        "support": np.arange(BATCH) % len(sampler.card.support_hashes),
        "latent": np.random.default_rng(0).standard_normal(
            (BATCH, sampler.card.latent), np.float32
        ),
    }

    def graph(which: Sampler) -> None:
        for _ in range(-(-count // BATCH)):
            which.session.run(["images", "similarity"], feed)

    def draw() -> None:
        for _ in sampler.draw(count):
            pass

    def sample(size: int | None) -> None:
        with tempfile.TemporaryDirectory() as folder:
            options = OutputOptions(size)
            write_samples(sampler, count, Path(folder), 0, Progress(quiet=True), pictures=options)

    actions: dict[str, Callable[[], None]] = {
        PLAIN: lambda: graph(plain),
        "graph": lambda: graph(sampler),
        "draw": draw,
        "sample": lambda: sample(sampler.card.size),
    }
    if sampler.tells_changes and sampler.original(0) is not None:
        actions["sample at own size"] = lambda: sample(None)
    return actions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("-n", "--count", type=int, default=10 * BATCH)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--bundle", help="that the model grew from, if its name is not enough")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()

    sampler, plain = (
        Sampler(given.model, given.device, given.threads, precision=precision)
        for precision in (given.precision, "fp32")
    )
    torch.set_num_threads(given.threads)
    card = sampler.card = dataclasses.replace(sampler.card, acceptance_threshold=-1.0)
    actions = actions_of(plain, sampler, given.count)
    actions[EAGER] = eager(card, given.count, given.bundle or card.bundle)
    seconds = time_in_turn(actions, given.rounds)
    facts = {
        "images": f"{given.count} of {card.size}x{card.size}x{card.channels}",
        "threads": given.threads,
        "provider": sampler.provider,
        "precision": sampler.precision,
        "that is": sampler.about_precision,
    } | {f"images a second, {name}": round(given.count / min(seconds[name])) for name in actions}
    found = [speed(seconds, name, EAGER) for name in actions if name != EAGER]
    found += [speed(seconds, "sample", PLAIN), speed(seconds, "sample", "graph")]
    found += _costs(seconds)
    show(found, facts, as_json=given.json)


def _costs(seconds: dict[str, list[float]]) -> list[Ratio]:
    """How much longer it takes to do more than to run the graph."""
    return [
        dataclasses.replace(ratio(seconds, one, other), action=f"seconds of {one}")
        for one, other in (("draw", "graph"), ("sample", "draw"))
    ]


if __name__ == "__main__":
    main()
