"""How many images a second `sample` writes, beside what else makes more images of a few.

    pip install --target PEERS --no-deps lightweight-gan==1.2.1 einops kornia kornia-rs fire \
        adabelief-pytorch gsa-pytorch tabulate colorama termcolor albumentations==2.0.8 \
        albucore==0.0.24 opencv-python-headless stringzilla simsimd
    PYTHONPATH=PEERS python -m tests.benchmarks.peers MODEL

Peers are not among l2laug's dependencies; those that are missing are left out, and named.
`lightweight-gan` is that package's generator at its default widths and its smallest size from the
model's on, with random weights, in torch in fp32: it draws and writes nothing. `albumentations`
turns, shifts, scales and bends the model's originals (Affine, ElasticTransform) and writes PNGs by
OpenCV, one at a time as a loop does. `sample` writes squares of the model's size and a manifest,
`sample at own size` changes the originals. All have the same threads.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from l2laug.core.progress import Progress
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.session import BATCH
from l2laug.sampling.writer import write_samples
from l2laug.sampling.writing.job import OutputOptions
from tests.benchmarks.ratios import show, speed, time_in_turn

Action = Callable[[], None]
OWN = "sample at own size"


def ours(sampler: Sampler, count: int) -> dict[str, Action]:
    def write(size: int | None) -> None:
        with tempfile.TemporaryDirectory() as folder:
            options = OutputOptions(size)
            write_samples(sampler, count, Path(folder), 0, Progress(quiet=True), pictures=options)

    found: dict[str, Action] = {"sample": lambda: write(sampler.card.size)}
    if sampler.tells_changes and sampler.original(0) is not None:
        found[OWN] = lambda: write(None)
    return found


def gan(size: int, count: int) -> Action:
    # The module asks for a GPU when it is imported; its generator does without.
    with mock.patch.object(torch.cuda, "is_available", return_value=True):
        from lightweight_gan.lightweight_gan import Generator

    side = max(64, 1 << (size - 1).bit_length())  # it knows powers of two
    torch.manual_seed(0)
    net = Generator(image_size=side).eval()

    @torch.no_grad()
    def draw() -> None:
        for _ in range(-(-count // BATCH)):
            net(torch.randn(BATCH, 256))

    return draw


def classical(sampler: Sampler, count: int, threads: int) -> Action:
    import albumentations
    import cv2

    cv2.setNumThreads(threads)
    rows = range(len(sampler.card.support_hashes))
    originals = [one.pixels for one in map(sampler.original, rows) if one is not None]
    originals = [np.ascontiguousarray(p[..., 0] if p.shape[2] == 1 else p) for p in originals]
    change = albumentations.Compose(
        [
            albumentations.Affine(
                scale=(0.9, 1.1), translate_percent=(-0.1, 0.1), rotate=(-15, 15), p=1.0
            ),
            albumentations.ElasticTransform(alpha=20, sigma=5, p=1.0),
        ]
    )

    def write() -> None:
        with tempfile.TemporaryDirectory() as folder:
            for i in range(count):
                changed = change(image=originals[i % len(originals)])["image"]
                cv2.imwrite(f"{folder}/{i:06d}.png", changed)

    return write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("-n", "--count", type=int, default=4 * BATCH)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()

    torch.set_num_threads(given.threads)
    sampler = Sampler(given.model, "cpu", given.threads, precision=given.precision)
    card = sampler.card
    actions, missing = ours(sampler, given.count), list[str]()
    peers: dict[str, Callable[[], Action]] = {
        "lightweight-gan": lambda: gan(card.size, given.count),
        "albumentations": lambda: classical(sampler, given.count, given.threads),
    }
    for name, make in peers.items():
        try:
            actions[name] = make()
        except ModuleNotFoundError as error:
            missing.append(f"{name} (no {error.name})")
    seconds = time_in_turn(actions, given.rounds)
    facts = {
        "images": f"{given.count} of {card.size}x{card.size}x{card.channels}, {card.bundle}",
        "threads": given.threads,
        "precision": sampler.precision,
        "missing": ", ".join(missing) or "none",
    } | {f"images a second, {name}": round(given.count / min(seconds[name])) for name in actions}
    there = [name for name in peers if name in actions]
    found = [speed(seconds, "sample", name) for name in there]
    if OWN in actions and "albumentations" in actions:
        found.append(speed(seconds, OWN, "albumentations"))
    if not found:
        parser.error("no peer is installed: " + facts["missing"])
    show(found, facts, as_json=given.json)


if __name__ == "__main__":
    main()
