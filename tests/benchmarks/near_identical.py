"""What the search for near-identical images finds in folders of images, to be looked at.

    python -m tests.benchmarks.near_identical FOLDER... --most 3000 --side 96

A line is a folder: images, pairs, those that are found to be near-identical, images that they are,
and seconds; with `--list` each pair follows, the nearest first. Of larger folders a random part is
searched.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from l2laug.data.folders import find_images
from l2laug.data.image_set import read_files
from l2laug.evaluation.leakage.near_identical import find_near_identical


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--most", type=int, default=3000)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--list", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for folder in arguments.folders:
        files = find_images(folder)
        rows = np.random.default_rng(0).permutation(len(files))[: arguments.most]
        files = [files[row] for row in np.sort(rows)]
        read = read_files(files, arguments.side, 3)
        pixels = np.stack([found for found in read if not isinstance(found, str)])
        begun = time.perf_counter()
        pairs = find_near_identical(pixels)
        spent = time.perf_counter() - begun
        count = len(files)
        alike = {row for pair in pairs for row in (pair.first, pair.second)}
        print(folder, count, count * (count - 1) // 2, len(pairs), len(alike), f"{spent:.1f} s")
        for pair in pairs if arguments.list else ():
            one, other = (str(files[row].relative_to(folder)) for row in (pair.first, pair.second))
            print(f"  {one} {other} {pair.symmetry or 'as it is'}, {pair.bits} bits,", end=" ")
            print(f"correlation {pair.correlation:.3f}, features {pair.similarity}")


if __name__ == "__main__":
    main()
