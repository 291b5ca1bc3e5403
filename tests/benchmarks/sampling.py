"""What drawing and writing samples cost beside the bare graph.

    python -m tests.benchmarks.sampling RUN/model.onnx

`graph` runs the model's graph in onnxruntime for as many images and does nothing with them. `draw`
is the Sampler: 1 would mean that latents, rounding and bookkeeping are free. `sample` writes PNGs
and a manifest as `l2laug sample` does; its ratio to `draw` is what writing adds. No draw is
rejected here, so that all three run the graph equally often.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from pathlib import Path

import numpy as np

from l2laug.core.progress import Progress
from l2laug.sampling.sampler import BATCH, Sampler
from l2laug.sampling.writer import write_samples
from tests.benchmarks.ratios import ratio, show, time_in_turn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("-n", "--count", type=int, default=20 * BATCH)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()

    sampler = Sampler(given.model, given.device)
    sampler.card = dataclasses.replace(sampler.card, acceptance_threshold=-1.0)
    feed = {
        "support": np.zeros(BATCH, np.int64),
        "latent": np.ones((BATCH, sampler.card.latent), np.float32),
    }

    def graph() -> None:
        for _ in range(-(-given.count // BATCH)):
            sampler.session.run(["images", "similarity"], feed)

    def draw() -> None:
        for _ in sampler.draw(given.count):
            pass

    def sample() -> None:
        with tempfile.TemporaryDirectory() as folder:
            write_samples(sampler, given.count, Path(folder), 0, Progress(quiet=True))

    seconds = time_in_turn({"graph": graph, "draw": draw, "sample": sample}, given.rounds)
    card = sampler.card
    facts = {
        "images": f"{given.count} of {card.size}x{card.size}x{card.channels}",
        "provider": sampler.provider,
        "images a second, graph alone": round(given.count / min(seconds["graph"])),
    }
    found = [ratio(seconds, "draw", "graph"), ratio(seconds, "sample", "draw")]
    show(found, facts, as_json=given.json)


if __name__ == "__main__":
    main()
