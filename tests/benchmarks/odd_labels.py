"""How often is an image with a wrong label named, and how often one with the right label?

    python -m tests.benchmarks.odd_labels CLASSES...

Of each data set of class folders a class is made rare 40 times: six of its images, then five with
an image of another class among them. Printed are the images named of those with the right label,
and of those with the wrong one.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

import numpy as np

from l2laug.core.arrays import Features
from l2laug.data.folders import class_folders
from l2laug.data.image_set import read_classes
from l2laug.evaluation.odd_labels import find_odd
from l2laug.features.general import GeneralNet, general_features

SIDE, IMAGES, FEWEST, MOST_CLASSES = 64, 40, 12, 12
TRIALS, SHOTS = 40, 6


def features_of(root: Path, net: GeneralNet) -> dict[str, Features]:
    """Of the first classes that are large enough, directions of their first images."""
    found = {}
    for name, files in list(class_folders(root, several=True).items())[:MOST_CLASSES]:
        if len(files) >= FEWEST:
            images = read_classes({name: files[:IMAGES]}, SIDE, 3)
            features = general_features(net, images.pixels)
            found[name] = features / np.linalg.norm(features, axis=1, keepdims=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("roots", type=Path, nargs="+")
    from l2laug.features.general import load_general_net

    net = load_general_net()
    for root in parser.parse_args().roots:
        chance, known = random.Random(0), features_of(root, net)  # noqa: S311 # no secret
        right = wrong = 0
        for _ in range(TRIALS):
            rare, other = chance.sample(list(known), 2)
            own = known[rare][chance.sample(range(len(known[rare])), SHOTS)]
            row = chance.randrange(len(known[other]))
            base = {name: found for name, found in known.items() if name != rare}
            base[other] = np.delete(base[other], row, axis=0)
            right += len(find_odd(own, base))
            strange = np.concatenate([own[1:], known[other][row : row + 1]])
            wrong += any(i == SHOTS - 1 for i, _ in find_odd(strange, base))
        print(
            f"{root.name}: {right} of {TRIALS * SHOTS} with the right label named, "
            f"{wrong} of {TRIALS} with the wrong one",
            flush=True,
        )


if __name__ == "__main__":
    main()
