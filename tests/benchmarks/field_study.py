"""What samples of a bundle of changes bring to a pretrained classifier, on problems of your own.

    python -m tests.benchmarks.field_study PROBLEMS -o field.csv --bundle photos --seeds 3

PROBLEMS holds a folder for each problem, with class folders in it. Its smallest class is the rare
one: five of its images are given, the bundle's changes are applied to them 200 times, as far as
`adapt` lets them go. Up to 60 images of each other class are learned from, everything else is for
tests. A logistic regression on the general net's features of augmented views (crops, mirror
images, another light), its C chosen by threefold cross-validation over images, learns three times:

    without     from real images alone
    identity    with copies of the five originals in half of the rare class's weight
    samples     with the samples in their place

so that "samples" against "identity" is what the changes bring and not what the weights do. A row of
the file is a problem, a seed and an arm; finished ones are not measured again.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold

from l2laug.artifacts.bundle import find_bundle
from l2laug.commands.adapting.adapt_change import load_change_generator
from l2laug.config.recipe import Recipe
from l2laug.core.arrays import Features, Pixels, to_unit
from l2laug.data.folders import class_folders
from l2laug.data.images.originals import Original, resized
from l2laug.evaluation.change_strength import choose_strength
from l2laug.evaluation.draw_quality import sharpness
from l2laug.features.general import SIDE, GeneralNet, general_features, load_general_net
from l2laug.nn.changes.generator import ChangeGenerator
from l2laug.sampling.apply_change import Change, apply_change

SHOTS, SAMPLES, VIEWS, RARE_VIEWS, BASE = 5, 200, 4, 40, 60
GRID = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)
ARMS = ("without", "identity", "samples")
Rows = NDArray[np.int64]
Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Row:
    """One arm of one problem and seed; ``strength`` and ``sharpness`` are of its added images."""

    problem: str
    rare: str
    seed: int
    arm: str
    c: float
    f1: float
    strength: str
    sharpness: float


@dataclass(frozen=True)
class Problem:
    """Pictures, their classes, which is rare, and features of plain and of augmented views."""

    name: str
    pictures: list[Picture]
    labels: Rows
    classes: list[str]
    rare: int
    plain: Features
    views: Features


def view(picture: Picture, random: np.random.Generator) -> Pixels:
    """A random crop of half the area or more, perhaps mirrored, perhaps in another light."""
    h, w = picture.shape[:2]
    area, ratio = random.uniform(0.5, 1), np.exp(random.uniform(-0.2, 0.2))
    high, wide = min(1.0, np.sqrt(area / ratio)) * h, min(1.0, np.sqrt(area * ratio)) * w
    top, left = random.uniform(0, h - high), random.uniform(0, w - wide)
    box = (left, top, left + wide, top + high)
    crop = Image.fromarray(picture).resize((SIDE, SIDE), Image.Resampling.BILINEAR, box)
    y = np.asarray(crop).astype(np.float32) / 255
    y = y[:, ::-1] if random.random() < 0.5 else y
    which, factor = random.integers(4), random.uniform(0.6, 1.5)
    if which == 0:
        y = y * factor
    elif which == 1:
        y = y.mean() + (y - y.mean()) * factor
    elif which == 2:
        y = y**factor
    return _channels_first(np.rint(np.clip(y, 0, 1) * 255).astype(np.uint8))


def plain_views(pictures: Sequence[Picture]) -> Pixels:
    """Whole pictures, squeezed."""
    return np.stack([_channels_first(resized(p, SIDE, SIDE)) for p in pictures])


def read_problem(folder: Path, net: GeneralNet) -> Problem:
    """Read the class folders of a problem and look at them."""
    files = class_folders(folder)
    classes = sorted(files)
    pictures = [np.asarray(Image.open(f).convert("RGB")) for c in classes for f in files[c]]
    labels = np.repeat(np.arange(len(classes)), [len(files[c]) for c in classes])
    random = np.random.default_rng(0)
    views = np.stack([view(p, random) for p in pictures for _ in range(VIEWS)])
    rare = min(range(len(classes)), key=lambda i: len(files[classes[i]]))
    seen = general_features(net, views).reshape(len(pictures), VIEWS, -1)
    plain = general_features(net, plain_views(pictures))
    return Problem(folder.name, pictures, labels, classes, rare, plain, seen)


def draw(
    generator: ChangeGenerator, shots: list[Picture], net: GeneralNet, seed: int
) -> tuple[list[Picture], tuple[float, ...]]:
    """Samples at their originals' size, and the strengths that `adapt` would choose."""
    side = generator.options.size
    support = np.stack([_channels_first(resized(p, side, side)) for p in shots])
    originals = [Original(p, 3) for p in shots]
    strength = choose_strength(generator, support, originals, net, seed).strength
    rows = np.arange(SAMPLES) % len(shots)
    z = torch.randn(
        SAMPLES, generator.options.latent, generator=torch.Generator().manual_seed(seed)
    )
    with torch.no_grad():
        found = generator(torch.from_numpy(to_unit(support))[rows], z, torch.tensor(strength))
    parts = [part.numpy() for part in (found.grid, found.tone, found.difference)]
    drawn = [
        apply_change(shots[row], Change(*(part[i] for part in parts)), 3)
        for i, row in enumerate(rows)
    ]
    return drawn, strength


def measure(problem: Problem, generator: ChangeGenerator, net: GeneralNet, seed: int) -> list[Row]:
    """Train and test the three arms of one seed."""
    p, random = problem, np.random.default_rng((seed, 7))
    mine = random.permutation(np.flatnonzero(p.labels == p.rare))
    shots, learn = mine[:SHOTS], _base_rows(p)
    tests = np.setdiff1d(np.arange(len(p.labels)), np.concatenate([learn, shots]))
    pictures = [p.pictures[i] for i in shots]
    own = general_features(
        net, np.stack([view(q, random) for q in pictures for _ in range(RARE_VIEWS)])
    )
    x = np.concatenate([p.views[learn].reshape(-1, p.plain.shape[1]), own])
    y = np.concatenate([np.repeat(p.labels[learn], VIEWS), np.full(len(own), p.rare)])
    groups = np.concatenate([np.repeat(learn, VIEWS), np.repeat(shots, RARE_VIEWS)])
    samples, strength = draw(generator, pictures, net, seed)
    copies = [pictures[i % SHOTS] for i in range(SAMPLES)]
    added = {"without": [], "identity": copies, "samples": samples}
    sharp = np.mean([sharpness(q) for q in pictures])
    rows = []
    for arm in ARMS:
        extra, more = added[arm], x[:0]
        if extra:
            more = general_features(net, np.stack([view(q, random) for q in extra]))
        model, c = _tuned(
            np.concatenate([x, more]),
            np.append(y, np.full(len(more), p.rare)),
            _weights(y, len(own), len(more)),
            np.append(groups, np.resize(shots, len(more))),
        )
        f1 = f1_score(p.labels[tests] == p.rare, model.predict(p.plain[tests]) == p.rare)
        told = " ".join(f"{s:g}" for s in (strength if arm == "samples" else ()))
        ratio = float(np.mean([sharpness(q) for q in extra]) / sharp) if extra else 1.0
        name = p.classes[p.rare]
        rows.append(Row(p.name, name, seed, arm, c, round(float(f1), 4), told, round(ratio, 3)))
    return rows


def _base_rows(p: Problem) -> Rows:
    random, rows = np.random.default_rng(99), []
    for label in range(len(p.classes)):
        mine = random.permutation(np.flatnonzero(p.labels == label))
        rows.append(mine[: min(BASE, len(mine) // 2) if label != p.rare else 0])
    return np.concatenate(rows)


def _weights(y: Rows, own: int, more: int) -> NDArray[np.float64]:
    """Classes weigh alike; what is added takes half of the rare class's weight."""
    weights = 1 / np.bincount(y)[y].astype(float)
    if not more:
        return weights
    weights[-own:] /= 2
    return np.append(weights, np.full(more, 0.5 / more))


def _tuned(
    x: Features, y: Rows, weights: NDArray[np.float64], groups: Rows
) -> tuple[LogisticRegression, float]:
    scale = x.std(0) + 0.05
    weights = weights * 100 * len(np.unique(y)) / weights.sum()
    losses = []
    for c in GRID:
        loss = 0.0
        for a, b in GroupKFold(3, shuffle=True, random_state=0).split(x, y, groups):
            model = LogisticRegression(C=c, max_iter=150, tol=1e-3)
            model.fit(x[a] / scale, y[a], sample_weight=weights[a])
            chance = model.predict_proba(x[b] / scale)
            column = np.searchsorted(model.classes_, y[b])
            loss -= float((weights[b] * np.log(chance[np.arange(len(b)), column] + 1e-9)).sum())
        losses.append(loss)
    best = GRID[int(np.argmin(losses))]
    model = LogisticRegression(C=best, max_iter=150, tol=1e-3)
    model.fit(x / scale, y, sample_weight=weights)
    model.coef_ = model.coef_ / scale  # so that it takes features as they are
    return model, best


def _channels_first(picture: Picture) -> Pixels:
    return np.ascontiguousarray(picture.transpose(2, 0, 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--bundle", default="photos")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    net, bundle = load_general_net(), find_bundle(arguments.bundle)
    generator = load_change_generator(bundle, Recipe.model_validate(bundle.info["recipe"]))
    new = not arguments.out.exists()
    done = set()
    if not new:
        with arguments.out.open(newline="") as file:
            done = {(row["problem"], int(row["seed"])) for row in csv.DictReader(file)}
    for folder in sorted(p for p in arguments.problems.iterdir() if p.is_dir()):
        left = [s for s in range(arguments.seeds) if (folder.name, s) not in done]
        problem = read_problem(folder, net) if left else None
        for seed in left:
            assert problem is not None
            rows = measure(problem, generator, net, seed)
            with arguments.out.open("a", newline="") as file:
                table = csv.DictWriter(file, [f.name for f in fields(Row)])
                if new:
                    table.writeheader()
                new = False
                table.writerows(asdict(row) for row in rows)
            print(*rows, sep="\n", flush=True)


if __name__ == "__main__":
    main()
