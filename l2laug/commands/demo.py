"""The main job from end to end on real images that come with scikit-learn: scanned digits."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from l2laug.artifacts.output_folders import claim
from l2laug.artifacts.run import find_run
from l2laug.commands.adapt import AdaptOptions, adapt
from l2laug.commands.evaluate import Evaluation, evaluate
from l2laug.commands.sample import SampleOptions, sample
from l2laug.config.evaluation_options import EvaluationOptions
from l2laug.runtime.session import Session
from l2laug.sampling.writer import Written

RARE = 3
SHOTS = 5
BASE = 100
DRAWN = 1000
MARGIN = 2  # pixels beside the eight of a scan


@dataclass(frozen=True)
class Demo:
    """Where the demo's results lie."""

    run: Path
    samples: Written
    evaluation: Evaluation


def demo(out: Path, session: Session, *, overwrite: bool = False) -> Demo:
    """Adapt a digit made rare, draw 1,000 more of it and see whether they help.

    Args:
        out: folder for the digits and everything made from them.
        session: engine, progress and seed.
        overwrite: replace it if it is there.

    Raises:
        OutputError: the folder exists or can't be written.
    """
    claim(out, "digits", overwrite=overwrite)
    train, test = write_digits(out / "digits")
    run = out / "run"
    adapt(train / str(RARE), AdaptOptions(bundle="glyphs", base=train, out=run), session)
    found = find_run(run)
    samples = sample(found, SampleOptions(DRAWN, seed=session.seed), session.progress)
    options = EvaluationOptions(test=test, classifier=True)
    return Demo(run, samples, evaluate(found, options, session))


def write_digits(out: Path) -> tuple[Path, Path]:
    """Write the digits as class folders, dark ink on white; returns those to train and to test on.

    Scans fill their frame to the edge; a white margin is laid around them, as on a sheet of paper.
    Five images of the rare digit and a hundred of each other are for training, all the rest are
    held out.
    """
    data = load_digits()
    for label in range(10):
        scans = data.images[data.target == label]
        taken = SHOTS if label == RARE else BASE
        for i, scan in enumerate(scans):
            folder = out / ("train" if i < taken else "test") / str(label)
            folder.mkdir(parents=True, exist_ok=True)
            pixels = np.pad(np.rint(255 - scan * (255 / 16)), MARGIN, constant_values=255)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i:03d}.png")
    return out / "train", out / "test"
