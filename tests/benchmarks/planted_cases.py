"""Studies of digits or photographs in which the right verdict is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from sklearn.datasets import load_digits

from l2laug.core.arrays import Pixels
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.data.images.image_io import to_picture

SIDE = 128
SHOTS = (1, 2, 5)
BASE, CLASSES, ADDED, TESTS = 20, 7, 40, 60  # images of a base class, classes, added, tested on
FEWEST = 60  # images of a class that can be the rare one
KINDS = ("real", "wrong", "noise", "copies", "blur", "nothing")
# Words that are not wrong. A class that can't gain any more is not told from real images that do
# not help, so "unclear" is a miss there, and no wrong claim.
RIGHT = {
    "real": ("helps", "unclear"),
    "wrong": ("hurts", "unclear"),
    "noise": ("hurts", "unclear"),
    "copies": ("unclear",),
    "blur": ("hurts", "unclear"),
    "nothing": ("unclear",),
}


@dataclass(frozen=True)
class Case:
    """One study's images; the rare class is the first.

    Attributes:
        problem: where they are from.
        rare: name of the rare class.
        shots: images of it that are shown.
        train, test: of all classes.
        added: by kind, uint8 ``(N, 3, SIDE, SIDE)``; nothing of "nothing".
    """

    problem: str
    rare: str
    shots: int
    train: ImageSet
    test: ImageSet
    added: dict[str, Pixels]


def digits() -> list[tuple[str, ImageSet]]:
    """Scikit-learn's 1,797 scanned digits, enlarged."""
    data = load_digits()
    scans = [Image.fromarray(np.rint(255 - s * (255 / 16)).astype(np.uint8)) for s in data.images]
    large = [np.asarray(s.resize((SIDE, SIDE), Image.Resampling.LANCZOS)) for s in scans]
    pixels = np.repeat(np.stack(large)[:, None], 3, 1)
    names = tuple("0123456789")
    return [("digits", ImageSet(pixels, data.target, names, (Path(),) * len(pixels)))]


def photographs(folder: Path) -> list[tuple[str, ImageSet]]:
    """The problems in a folder, each a folder of class folders."""
    found = []
    for problem in sorted(p for p in folder.iterdir() if p.is_dir()):
        found.append((problem.name, read_classes(class_folders(problem), SIDE, 3)))
    return found


def draw_case(problems: list[tuple[str, ImageSet]], number: int) -> Case:
    """Case ``number``: which problem and class, which support, what is added."""
    random = np.random.default_rng(number)
    name, images = problems[int(random.integers(len(problems)))]
    counts = np.bincount(images.labels, minlength=len(images.classes))
    rare = int(random.choice(np.flatnonzero(counts >= FEWEST)))
    others = random.permutation(np.setdiff1d(np.flatnonzero(counts >= 2), [rare]))
    shots = int(random.choice(SHOTS))
    mine = random.permutation(np.flatnonzero(images.labels == rare))
    support, mine = mine[:shots], mine[shots:]
    more = mine[: min(ADDED, len(mine) // 2)]
    shown, kept = [support], [mine[len(more) :][:TESTS]]
    wrong = images.pixels[:0]
    for i, label in enumerate(others):
        rows = random.permutation(np.flatnonzero(images.labels == label))
        half = min(BASE, len(rows) // 2)
        rest = rows[half:]
        if i == 0:  # images that are added are never tested on, whatever they are
            planted = rest[: min(ADDED, len(rest) // 2)]
            wrong, rest = images.pixels[planted], rest[len(planted) :]
        if i < CLASSES - 1:
            shown.append(rows[:half])
            kept.append(rest[:TESTS])
    classes = tuple(images.classes[i] for i in (rare, *others[: CLASSES - 1]))
    support_pixels = images.pixels[support]
    return Case(
        problem=name,
        rare=images.classes[rare],
        shots=shots,
        train=_image_set(images, shown, classes),
        test=_image_set(images, kept, classes),
        added={
            "real": images.pixels[more],
            "wrong": wrong,
            "noise": random.integers(0, 256, (ADDED, 3, SIDE, SIDE), dtype=np.uint8),
            "copies": np.resize(support_pixels, (ADDED, 3, SIDE, SIDE)),
            "blur": np.stack([_blurred(support_pixels[i % shots], random) for i in range(ADDED)]),
            "nothing": images.pixels[:0],
        },
    )


def table(rows: list[dict[str, str]], wilson: Callable[[int, int], tuple[float, float]]) -> str:
    """Words by kind of images and of what was added, and how many are wrong."""
    lines = [f"{'images':12} {'added':8} {'helps':>6} {'unclear':>8} {'hurts':>6} {'wrong':>6}"]
    for images in sorted({r["images"] for r in rows}):
        for kind in KINDS:
            mine = [r for r in rows if (r["images"], r["kind"]) == (images, kind)]
            words = [r["verdict"] for r in mine]
            counts = [words.count(word) for word in ("helps", "unclear", "hurts")]
            wrong = sum(word not in RIGHT[kind] for word in words)
            lines.append(
                f"{images:12} {kind:8} {counts[0]:6} {counts[1]:8} {counts[2]:6} {wrong:6}"
            )
    wrong = sum(r["verdict"] not in RIGHT[r["kind"]] for r in rows)
    low, high = wilson(wrong, len(rows))
    lines.append(
        f"wrong: {wrong} of {len(rows)} ({wrong / len(rows):.1%}, {low:.1%} to {high:.1%})"
    )
    return "\n".join(lines)


def _blurred(image: Pixels, random: np.random.Generator) -> Pixels:
    """A Gaussian blur of half a hundredth to a hundredth of the side."""
    blur = ImageFilter.GaussianBlur(float(random.uniform(0.005, 0.01)) * SIDE)
    return np.asarray(to_picture(image).filter(blur)).transpose(2, 0, 1)


def _image_set(images: ImageSet, rows: list[np.ndarray], classes: tuple[str, ...]) -> ImageSet:
    everything = np.concatenate(rows)
    labels = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
    return ImageSet(images.pixels[everything], labels, classes, (Path(),) * len(everything))
