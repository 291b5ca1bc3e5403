"""From how many images on which score sees what: real images, and sets that are planted.

    python -m tests.benchmarks.score_power PROBLEM... -o score_power.csv --repeats 20

PROBLEM is a folder of class folders. Again and again a class is chosen, five images as its support
set and 2 N others as real images, and N images are taken for samples of it:

    real         other images of the class
    other class  images of another class
    blurred      other images of the class, blurred
    copies       the support set in other crops and lights
    one kind     those 2 in 5 of the other images that are nearest to one of them

A row of the file is a kind, an N and a score: in what share of the repeats `evaluate` would have
read it as different from real images. All scores are of features of the general net.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from l2laug.core.arrays import Features, Pixels
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.evaluation.general_scores import general_scores
from l2laug.evaluation.scores import LEVEL, SCORES, measure
from l2laug.features.extractor import Extractor
from l2laug.features.general import SIDE, general_extractor

SUPPORT, SIZES = 5, (5, 10, 20, 35)
KINDS = ("real", "other class", "blurred", "copies", "one kind")
BLUR = 1.0  # pixels of 96


def altered(image: Pixels, random: np.random.Generator) -> Pixels:
    """An image with up to 6 pixels cut off at each border, in another light."""
    top, left, bottom, right = random.integers(0, 7, 4)
    cut = image[:, top : SIDE - bottom, left : SIDE - right]
    large = ndimage.zoom(cut, (1, SIDE / cut.shape[1], SIDE / cut.shape[2]), order=1)
    return np.clip(large * random.uniform(0.8, 1.2), 0, 255).astype(np.uint8)


def planted(
    kind: str, images: ImageSet, features: tuple[Features, Features], count: int, seed: int
) -> tuple[Features, Features, Features | Pixels]:
    """Support and real features, and what is taken for samples: features, or pixels of copies."""
    random, (plain, blurred) = np.random.default_rng(seed), features
    large = np.flatnonzero(np.bincount(images.labels) >= SUPPORT + 3 * count)
    label = random.choice(large)
    rows = random.permutation(np.flatnonzero(images.labels == label))
    support, real, rest = np.split(rows, [SUPPORT, SUPPORT + 2 * count])
    drawn: NDArray[np.int64] = rest[:count]
    if kind == "other class":
        drawn = random.permutation(np.flatnonzero(images.labels != label))[:count]
    if kind == "one kind":
        everything = rows[SUPPORT:]
        apart = np.linalg.norm(plain[everything] - plain[rest[0]], axis=1)
        nearest = everything[np.argsort(apart)[: max(count, 2 * len(everything) // 5)]]
        drawn = random.permutation(nearest)[:count]
        real = random.permutation(np.setdiff1d(everything, drawn))[: 2 * count]
    if kind == "copies":
        copies = [altered(images.pixels[i], random) for i in random.choice(support, count)]
        return plain[support], plain[real], np.stack(copies)
    return plain[support], plain[real], (blurred if kind == "blurred" else plain)[drawn]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", type=Path, nargs="+")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=20)
    arguments = parser.parse_args()
    net, seen, total = general_extractor("cpu"), Counter[tuple[str, int, str]](), Counter()
    for folder in arguments.problems:
        images = read_classes(class_folders(folder), SIDE, 3)
        blurred = ndimage.gaussian_filter(images.pixels, (0, 0, BLUR, BLUR))
        features = net(images.pixels), net(blurred)
        for repeat in range(arguments.repeats):
            for kind in KINDS:
                for count in SIZES:
                    support, real, drawn = planted(kind, images, features, count, repeat)
                    known = net(drawn) if kind == "copies" else drawn
                    tell(kind, count, (support, real, known), net, repeat, seen)
                    total[kind, count] += 1
        print(folder, flush=True)
    with arguments.out.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["samples", "images", "score", "told", "repeats"])
        for (kind, count, score), found in sorted(seen.items(), key=lambda item: str(item[0])):
            repeats = total[kind, count]
            table.writerow([kind, count, score, round(found / repeats, 3), repeats])


def tell(
    kind: str,
    count: int,
    sets: tuple[Features, Features, Features],
    net: Extractor,
    seed: int,
    seen: Counter[tuple[str, int, str]],
) -> None:
    """Count the scores that are read as different from real images."""
    support, real, drawn = sets
    scores = general_scores(support, seed) | {name: SCORES[name] for name in ("kid", "fid")}
    for name, m in measure(real, drawn, net, seed, scores).items():
        seen[kind, count, name] += m.reading != LEVEL


if __name__ == "__main__":
    main()
