"""What adaptation says of images that its bundle fits, and of images that it does not.

    python -m tests.benchmarks.misfits FOLDER... -o misfits.csv --bundle glyphs

Each FOLDER holds class folders. Of every class (or of `--classes N`, evenly chosen) five images are
adapted by the named bundle, as `l2laug adapt --bundle` does, and what comes out is looked at. A row
of the file is a bundle and a class: how far its images are from the bundle's source (1: like its
own unseen classes), what the gauge of `adapt` saw, and whether the model was written. Finished rows
are not measured again.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch

from l2laug.artifacts.bundle import find_bundle
from l2laug.artifacts.names import MODEL
from l2laug.commands.adapt import AdaptOptions, adapt
from l2laug.core.errors import QualityError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import read_classes
from l2laug.data.images.originals import read_original
from l2laug.evaluation.bundles.domain_distance import distances_to
from l2laug.evaluation.draw_quality import look_at_draws
from l2laug.features.general import SIDE, load_general_net
from l2laug.runtime.session import Session
from l2laug.sampling.sampler import Sampler

SHOTS = 5
FIELDS = (
    *("bundle", "set", "class", "distance", "outcome"),
    *("similarity", "wanted", "sharpness", "contrast", "to_original", "original_wanted"),
)


def measure(bundle: str, folder: Path, name: str, sheets: Path | None) -> dict[str, object]:
    """Adapt a class of ``folder`` and look."""
    net = load_general_net()
    with tempfile.TemporaryDirectory() as place:
        support = Path(place) / name
        support.mkdir()
        for file in class_folders(folder)[name][:SHOTS]:
            shutil.copy(file, support)
        images = read_classes(class_folders(support), SIDE, 3)
        (distance,) = distances_to([find_bundle(bundle)], images.pixels, net).values()
        row: dict[str, object] = dict.fromkeys(FIELDS, "")
        row |= {"bundle": bundle, "set": folder.name, "class": name, "distance": f"{distance:.2f}"}
        run = Path(place) / "run"
        try:
            adapt(
                support,
                AdaptOptions(bundle=bundle, out=run),
                Session.start("cpu", progress=Progress(quiet=True)),
            )
        except QualityError as error:
            return row | {"outcome": f"refused: {error.fact}"}
        if sheets is not None:
            shutil.copy(run / "sheet.png", sheets / f"{bundle}-{folder.name}-{name}.png")
        originals = [read_original(path, 1024) for path in images.paths]
        seen = look_at_draws(Sampler(run / MODEL, device="cpu"), originals, net)
        numbers = {key: f"{value:.3f}" for key, value in vars(seen).items()}
        return row | numbers | {"outcome": "written"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--bundle", required=True)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--sheets", type=Path, help="Folder for the sheets of what was written.")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.sheets is not None:
        arguments.sheets.mkdir(parents=True, exist_ok=True)
    done, new = set(), not arguments.out.exists()
    if not new:
        with arguments.out.open(newline="") as file:
            done = {(row["bundle"], row["set"], row["class"]) for row in csv.DictReader(file)}
    for folder in arguments.folders:
        names = sorted(class_folders(folder))
        ends = np.linspace(0, len(names) - 1, min(arguments.classes, len(names)))
        for name in [names[int(i)] for i in ends]:
            if (arguments.bundle, folder.name, name) in done:
                continue
            row = measure(arguments.bundle, folder, name, arguments.sheets)
            with arguments.out.open("a", newline="") as file:
                table = csv.DictWriter(file, FIELDS)
                if new:
                    table.writeheader()
                new = False
                table.writerow(row)
            print(row, flush=True)


if __name__ == "__main__":
    main()
