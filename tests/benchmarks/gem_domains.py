"""What GEMs of domain episodes bring to classes of domains that nothing was tuned to.

    python -m tests.benchmarks.gem_domains OMNIGLOT -o gems.csv --work FOLDER --bundle BUNDLE

A task is five images of a class: of a class that the bundle held out, in a style drawn for this
benchmark alone (`--domains`) or as it is (`--characters`), or of scikit-learn's scanned digits
(`--digits`). For each the strong generator draws as it is (`strong`), tuned in 120 steps (`plain`),
and that with GEMs at the strength that is taken (`gems`); and in 60 steps of a higher rate with
nothing but GEMs tuned (`gems alone`), with GEMs and all layers tuned (`gems and all`), and with all
layers and no GEMs (`all short`). `--work` keeps tuned generators and features of draws, so that the
same command goes on after a stop. A row of the file is a task and a method; `--summary` prints FID
pooled over the tasks of each seed.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from sklearn.datasets import load_digits

from l2laug.artifacts.bundle import Bundle, find_bundle
from l2laug.config.load import parse_recipe
from l2laug.config.recipe import Recipe
from l2laug.core.arrays import Features, Pixels, to_pixels
from l2laug.core.progress import Progress
from l2laug.core.seeds import derived_seed
from l2laug.data.domains import draw_domains
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.features.extractor import bundle_extractor
from l2laug.metrics.diversity import mean_diversity
from l2laug.metrics.fid import frechet_distance
from l2laug.metrics.precision_recall import recall
from l2laug.nn.batches import to_batch
from l2laug.nn.generator import Generator
from l2laug.runtime.session import Session
from l2laug.training.early_stopping import EarlyStopping, GemChoice
from l2laug.training.gan_step import GeneratorWithGems
from l2laug.training.initial_weights import bundle_weights, load_gems
from l2laug.training.target import train_target

SHOTS = 5
DRAWS = 64
STREAM = 7  # of styles: those of episodes are of others
# What recipe `glyphs` did before it had GEMs of domain episodes.
LONG = {"critic_learning_rate": 5e-5, "learning_rate": 5e-5, "batch": 16, "steps": 120}
LONG |= {"gems": False, "gem_strength": False, "train": "all"}
# As many steps for GEMs alone as for all layers; GEMs stand faster ones.
SHORT = {"critic_learning_rate": 2e-4, "batch": 8, "steps": 60, "gems": False}
ALL_SHORT = SHORT | {"learning_rate": 2e-4, "gem_strength": False, "train": "all"}
WITH_ALL = ALL_SHORT | {"gem_strength": True, "gems": True, "steps": 0, "tune_steps": 60}
ALONE = SHORT | {"learning_rate": 1e-3, "train": "gems"}
METHODS = ("strong", "plain", "gems", "gems alone", "gems and all", "all short")
FIELDS = ("problem", "seed", "method", "strength", "steps", "seconds", "fid", "recall", "diversity")


@dataclass(frozen=True)
class Task:
    """Five images of a class, and others of it to compare with."""

    problem: str
    seed: int
    support: ImageSet
    reference: Pixels

    @property
    def key(self) -> str:
        """For files."""
        return f"{self.problem}-{self.seed}"


def tasks(
    source: Path, bundle: Bundle, counts: tuple[int, int], digits: list[int], seeds: int
) -> list[Task]:
    """All tasks, those of the first seed first; ``counts`` of domains and of plain characters."""
    held_out = sorted(bundle.info["source"]["held_out"])
    folders = {name: files for name, files in class_folders(source).items() if name in held_out}
    unseen = read_classes(folders, bundle.size, bundle.channels)
    classes = []
    for i, domain in enumerate(draw_domains(unseen, counts[0], 1, derived_seed(STREAM))):
        classes.append((f"domain {i}", domain.images(unseen)))
    for name in held_out[:: max(1, len(held_out) // max(1, counts[1]))][: counts[1]]:
        classes.append((f"character {name}", unseen.of([name])))
    scans = load_digits()
    for digit in digits:
        found = [np.rint(255 - s * (255 / 16)) for s in scans.images[scans.target == digit]]
        large = [Image.fromarray(s.astype(np.uint8)).resize((bundle.size,) * 2) for s in found]
        pixels = np.stack([np.asarray(s) for s in large])[:, None]
        labels, paths = np.zeros(len(pixels), np.int64), (Path(),) * len(pixels)
        classes.append((f"digit {digit}", ImageSet(pixels, labels, (str(digit),), paths)))
    made = []
    for seed in range(seeds):
        for problem, images in classes:
            order = np.random.default_rng((seed, len(images.pixels))).permutation(
                len(images.pixels)
            )
            support = images.take(np.sort(order[:SHOTS]))
            made.append(Task(problem, seed, support, images.pixels[order[SHOTS:]]))
    return made


@torch.no_grad()
def draw(nets: GeneratorWithGems, task: Task) -> Pixels:
    """So many draws as there are images to compare with, the five taking turns."""
    count = max(DRAWS, len(task.reference))
    z = torch.randn(
        count, nets.generator.options.latent, generator=torch.Generator().manual_seed(1)
    )
    given = torch.from_numpy(task.support.pixels[np.arange(count) % SHOTS])
    parts = [
        nets.generator(to_batch(given[rows], torch.device("cpu")), z[rows], dict(nets.gems.items()))
        for rows in np.array_split(np.arange(count), -(-count // 64))
    ]
    return to_pixels(torch.cat(parts).float().numpy())


class Bench:
    """Runs tasks with one bundle and keeps what is finished in a folder."""

    def __init__(self, bundle: Bundle, work: Path) -> None:
        self.bundle, self.work = bundle, work
        self.recipe: Recipe = parse_recipe(bundle.info["recipe"], bundle.name)
        self.session = Session.start("cpu", Progress(quiet=True))
        self.extract = bundle_extractor(bundle)

    def run(self, task: Task, method: str) -> dict[str, object]:
        """A row: one method's draws for a task."""
        nets, row = {
            "strong": self._strong,
            "plain": self._plain,
            "gems": self._gems,
            "gems alone": self._alone,
            "gems and all": self._with_all,
            "all short": self._short,
        }[method](task)
        features, real = self.extract(draw(nets.eval(), task)), self.extract(task.reference)
        save = self.work / f"{task.key}-{method}.npz"
        np.savez(save, drawn=features, real=real)
        scores = {
            "fid": frechet_distance(real, features),
            "recall": recall(real, features),
            "diversity": mean_diversity(features, np.zeros(len(features), np.int64)),
        }
        told = {"problem": task.problem, "seed": task.seed, "method": method}
        return told | row | {name: f"{score:.3f}" for name, score in scores.items()}

    def _strong(self, _: Task) -> tuple[GeneratorWithGems, dict[str, object]]:
        return GeneratorWithGems(bundle_weights(self.bundle, self.recipe).generator), {}

    def _train(
        self, task: Task, recipe: Recipe, name: str
    ) -> tuple[GeneratorWithGems, dict[str, object], GemChoice | None]:
        began = time.process_time()
        session = self.session.seeded(task.seed)
        target = train_target(task.support, self.bundle, recipe, session)
        spent = time.process_time() - began
        if not isinstance(target.generator, Generator):
            raise TypeError(f"bundle {self.bundle.name} is of another method")
        row: dict[str, object] = {"steps": target.steps, "seconds": f"{spent:.1f}"}
        nets = GeneratorWithGems(target.generator, target.gems)
        weights = {k: v.contiguous().clone() for k, v in target.generator.state_dict().items()}
        save_file(
            weights,
            self.work / f"{name}.safetensors",
            {k: str(v) for k, v in row.items()},
        )
        return nets, row, target.gem_choice

    def _plain(self, task: Task) -> tuple[GeneratorWithGems, dict[str, object]]:
        target = self.recipe.target.model_copy(update=LONG)
        recipe = self.recipe.model_copy(update={"target": target})
        nets, row, _ = self._train(task, recipe, f"{task.key}-plain")
        return nets, row

    def _gems(self, task: Task) -> tuple[GeneratorWithGems, dict[str, object]]:
        """The plain target, with GEMs plugged in as `adapt` does."""
        generator = Generator(self.recipe.generator)
        generator.load_state_dict(load_file(self.work / f"{task.key}-plain.safetensors"))
        start = bundle_weights(self.bundle, self.recipe)
        session = self.session.seeded(task.seed)
        watch = EarlyStopping(
            task.support,
            self.bundle,
            start.classifier.add(task.support),
            session,
            0,
            usual=start.diversity,
        )
        watch.evaluate(GeneratorWithGems(generator).eval(), 0)
        choice = watch.plug_in(load_gems(self.bundle, self.recipe))
        return watch.found[1], {"strength": choice.strength}

    def _short(self, task: Task) -> tuple[GeneratorWithGems, dict[str, object]]:
        target = self.recipe.target.model_copy(update=ALL_SHORT)
        recipe = self.recipe.model_copy(update={"target": target})
        nets, row, _ = self._train(task, recipe, f"{task.key}-short")
        return nets, row

    def _alone(self, task: Task) -> tuple[GeneratorWithGems, dict[str, object]]:
        return self._tuned_with_gems(task, ALONE, "alone")

    def _with_all(self, task: Task) -> tuple[GeneratorWithGems, dict[str, object]]:
        return self._tuned_with_gems(task, WITH_ALL, "with-all")

    def _tuned_with_gems(
        self, task: Task, changed: dict[str, object], name: str
    ) -> tuple[GeneratorWithGems, dict[str, object]]:
        target = self.recipe.target.model_copy(update=changed)
        recipe = self.recipe.model_copy(update={"target": target})
        nets, row, choice = self._train(task, recipe, f"{task.key}-{name}")
        return nets, row | {"strength": "" if choice is None else choice.strength}


def summary(work: Path, rows: list[dict[str, str]]) -> Iterator[str]:
    """FID pooled over the tasks of each kind, a line for each kind and method."""
    for kind in ("domain", "character", "digit"):
        for method in METHODS:
            mine = [r for r in rows if r["method"] == method and r["problem"].startswith(kind)]
            found = []
            for seed in sorted({r["seed"] for r in mine}):
                files = [f"{r['problem']}-{seed}-{method}.npz" for r in mine if r["seed"] == seed]
                loaded = [np.load(work / file) for file in files]
                real: Features = np.concatenate([x["real"] for x in loaded])
                drawn: Features = np.concatenate([x["drawn"] for x in loaded])
                found.append(frechet_distance(real, drawn))
            if found:
                taken = [float(r["strength"]) for r in mine if r["strength"]]
                above = f", strength above 0 in {np.mean(np.array(taken) > 0):.2f}" if taken else ""
                mean = np.mean([float(r["recall"]) for r in mine])
                yield (
                    f"{kind}, {method}: FID {np.mean(found):.2f} "
                    f"({', '.join(f'{f:.2f}' for f in found)}), {len(mine)} tasks, "
                    f"recall {mean:.2f}{above}"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="class folders that the bundle was trained from")
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--bundle", default="glyphs")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--domains", type=int, default=8)
    parser.add_argument("--characters", type=int, default=0, help="held-out ones as they are")
    parser.add_argument("--digits", type=int, nargs="*", default=list(range(10)))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seconds", type=float, help="stop after so long, with exit code 1")
    parser.add_argument("--summary", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    began, rows = time.monotonic(), list[dict[str, str]]()
    if arguments.out.exists():
        with arguments.out.open(newline="") as file:
            rows = list(csv.DictReader(file))
    if arguments.summary:
        print("\n".join(summary(arguments.work, rows)))
        return
    arguments.work.mkdir(parents=True, exist_ok=True)
    bench = Bench(find_bundle(arguments.bundle), arguments.work)
    counts = arguments.domains, arguments.characters
    found = tasks(arguments.source, bench.bundle, counts, arguments.digits, arguments.seeds)
    done = {(row["problem"], row["seed"], row["method"]) for row in rows}
    for task in found:
        for method in arguments.methods:
            if (task.problem, str(task.seed), method) in done:
                continue
            if arguments.seconds and time.monotonic() - began > arguments.seconds:
                sys.exit(1)
            row = dict.fromkeys(FIELDS, "") | bench.run(task, method)
            new = not arguments.out.exists()
            with arguments.out.open("a", newline="") as file:
                table = csv.DictWriter(file, FIELDS)
                if new:
                    table.writeheader()
                table.writerow(row)
            print(row, flush=True)


if __name__ == "__main__":
    main()
