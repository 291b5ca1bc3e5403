"""--private: no real image is in what people pass on to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from l2laug.artifacts.run import Run
from l2laug.commands.adapting.run_sheet import draw_run_sheet
from l2laug.data.folders import class_folders
from l2laug.data.image_set import read_classes
from l2laug.evaluation.samples import Samples
from l2laug.metrics.copies import Copies
from l2laug.metrics.intervals import Share
from l2laug.reports.figures import gather
from l2laug.sampling.sampler import Sampler


def test_the_sheet_of_a_run_shows_draws_alone(run: Run, rare: Path) -> None:
    support = read_classes(class_folders(rare), 32, 1)

    def sheet(*, private: bool) -> np.ndarray:
        draw_run_sheet(run.folder, support, private=private)
        with Image.open(run.folder / "sheet.png") as picture:
            return np.asarray(picture)

    everything, alone = sheet(private=False), sheet(private=True)
    given = support.pixels[0, 0].repeat(2, 0).repeat(2, 1)  # the first, enlarged to 64 pixels
    assert np.array_equal(everything[2:66, 2:66], given)
    # The rest is what is left without the first column and the gap behind it.
    assert np.array_equal(alone[:, 2:], everything[:, 74:])


def test_a_report_shows_no_real_image(run: Run, rare: Path) -> None:
    real = read_classes(class_folders(rare), 32, 1).pixels
    drawn = Samples.in_memory(255 - real)
    share = Share(0.0, 0.0, 0.5, 5)
    copies = Copies(np.zeros(5), np.arange(5), 1.0, share, None, 5, True)
    sampler = Sampler(run.model, device="cpu")
    titles = [
        {one.title for one in gather("3", sampler, drawn, real, real, copies, 0, private=private)}
        for private in (False, True)
    ]
    assert titles[0] - titles[1] == {"Support images", "Real images", "Nearest pairs"}
    assert "Samples" in titles[1]
