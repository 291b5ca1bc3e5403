"""The main job from end to end on real images: scanned digits, and photographs of clothing."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from l2laug.artifacts.output_folders import check_free, claim
from l2laug.artifacts.run import find_run
from l2laug.commands.adapt import AdaptOptions, adapt
from l2laug.commands.evaluate import Evaluation, evaluate
from l2laug.commands.sample import SampleOptions, sample
from l2laug.config.evaluation_options import EvaluationOptions
from l2laug.core.files import own_folder
from l2laug.core.resources import shipped
from l2laug.runtime.session import Session
from l2laug.sampling.writer import Written

RARE_DIGIT = 3
SHOTS = 5
BASE = 100
MARGIN = 2  # pixels beside the eight of a scan


@dataclass(frozen=True)
class Problem:
    """A problem of the demo.

    Attributes:
        name: of its folder.
        rare: the rare class.
        bundle: to adapt.
        samples: to draw.
        write: writes class folders to train and to test on into a folder.
    """

    name: str
    rare: str
    bundle: str
    samples: int
    write: Callable[[Path], tuple[Path, Path]]


@dataclass(frozen=True)
class Demo:
    """Where the results of one problem lie."""

    problem: str
    run: Path
    samples: Written
    evaluation: Evaluation


def write_digits(out: Path) -> tuple[Path, Path]:
    """Write the digits as class folders, dark ink on white; returns those to train and to test on.

    Scans fill their frame to the edge; a white margin is laid around them, as on a sheet of paper.
    Five images of the rare digit and a hundred of each other are for training, all the rest are
    held out.
    """
    data = load_digits()
    for label in range(10):
        scans = data.images[data.target == label]
        taken = SHOTS if label == RARE_DIGIT else BASE
        for i, scan in enumerate(scans):
            folder = out / ("train" if i < taken else "test") / str(label)
            folder.mkdir(parents=True, exist_ok=True)
            pixels = np.pad(np.rint(255 - scan * (255 / 16)), MARGIN, constant_values=255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i:03d}.png")
    return out / "train", out / "test"


def write_clothing(out: Path) -> tuple[Path, Path]:
    """Unpack the photographs of clothing that are shipped; returns those to train and test on."""
    with zipfile.ZipFile(shipped("models") / "demo" / "clothing.zip") as packed:
        packed.extractall(out)
    return out / "train", out / "test"


PROBLEMS = (
    Problem("digits", str(RARE_DIGIT), "glyphs", 1000, write_digits),
    Problem("clothing", "hat", "photos", 500, write_clothing),
)


def demo(out: Path, session: Session, *, overwrite: bool = False) -> list[Demo]:
    """Adapt a class made rare, sample it and see whether that helps, in each of two problems.

    Args:
        out: folder for the images and everything made from them.
        session: engine, progress and seed.
        overwrite: replace it if it is there.

    Raises:
        OutputError: the folder exists, another process is writing to it, or it can't be written.
    """
    check_free([out], PROBLEMS[0].name, overwrite=overwrite)
    with own_folder(out):
        claim(out, PROBLEMS[0].name, overwrite=overwrite)
        return [_solve(problem, out / problem.name, session) for problem in PROBLEMS]


def _solve(problem: Problem, out: Path, session: Session) -> Demo:
    session.progress.say(f"{problem.name}: {problem.rare} is rare, {SHOTS} images")
    train, test = problem.write(out)
    run = out / "run"
    options = AdaptOptions(bundle=problem.bundle, out=run)
    adapt(train / problem.rare, options, session)
    found = find_run(run)
    wanted = SampleOptions(problem.samples, seed=session.seed)
    samples = sample(found, wanted, session.progress)
    scores = EvaluationOptions(test=test, classifier=True)
    return Demo(problem.name, run, samples, evaluate(found, scores, session))
