"""What each step costs from a draw to the file of a changed original, and a PNG beside Pillow's.

    python -m tests.benchmarks.photograph RUN/model.onnx

The model has to change its originals at their own size, as those of bundle `photos` do. All steps
take one thread and are timed in turn; printed are the milliseconds that an image takes and ratios
of images a second.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from l2laug.sampling.apply_change import apply_change, warp
from l2laug.sampling.png import encode_png
from l2laug.sampling.render import PictureOptions, encode, render
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.session import BATCH
from tests.benchmarks.ratios import show, speed, time_in_turn

IMAGES = 8


def by_pillow(pixels: NDArray[np.uint8]) -> int:
    """Length of a PNG by Pillow's own encoder, at its defaults."""
    buffer = io.BytesIO()
    Image.fromarray(pixels.squeeze()).save(buffer, "PNG")
    return len(buffer.getvalue())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()

    sampler = Sampler(given.model, "cpu", 1)
    drawn = next(sampler.draw(IMAGES))
    if drawn.changes is None or sampler.original(0) is None:
        raise SystemExit(f"{given.model} draws squares of its own and changes no originals")
    found = [
        (original, change)
        for row, change in zip(drawn.support.tolist(), drawn.changes, strict=True)
        if (original := sampler.original(row)) is not None
    ]
    pictures = [render(sampler, drawn, k) for k in range(len(found))]
    rows = np.arange(BATCH) % len(sampler.card.support_hashes)
    latents = np.random.default_rng(0).standard_normal((BATCH, sampler.card.latent), np.float32)

    actions: dict[str, Callable[[], object]] = {
        "network": lambda: sampler.decode(rows, latents),
        "mesh": lambda: [warp(o.pixels, c.grid) for o, c in found],
        "mesh and tone": lambda: [apply_change(o.pixels, c, o.colours) for o, c in found],
        "PNG": lambda: [encode_png(p.pixels, p.profile) for p in pictures],
        "PNG by Pillow": lambda: [by_pillow(p.pixels) for p in pictures],
        "JPEG": lambda: [encode(p, PictureOptions(format="jpg")) for p in pictures],
    }
    seconds = time_in_turn(actions, given.rounds)
    each = {name: BATCH if name == "network" else len(found) for name in actions}
    ours = sum(len(encode_png(p.pixels, p.profile)) for p in pictures)
    theirs = sum(by_pillow(p.pixels) for p in pictures)
    width, height = pictures[0].size
    facts = {"originals": f"{width}x{height}, the first of {len(found)}"} | {
        f"ms an image, {name}": round(1000 * min(times) / each[name], 2)
        for name, times in seconds.items()
    }
    facts["bytes of PNGs over Pillow's"] = round(ours / theirs, 3)
    show([speed(seconds, "PNG", "PNG by Pillow")], facts, as_json=given.json)


if __name__ == "__main__":
    main()
