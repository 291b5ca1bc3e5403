"""Damage files at random and read them: nothing but l2laug's own errors may come out.

    python -m tests.benchmarks.fuzz --seconds 60 --seed 0

Images, recipes, bundles, models, manifests and annotations of COCO, YOLO, VOC and tables are
damaged byte by byte or value by value. Each kind is tried in turns, in a process of its own, so
that a crash of a decoder is seen; what went wrong is printed with the number that makes it again.
Counts are printed at the end.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import random
import shutil
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tifffile
import yaml
from PIL import Image

from l2laug.artifacts.bundle import open_bundle, write_info
from l2laug.artifacts.model_card import KEY
from l2laug.artifacts.output_folders import is_output
from l2laug.artifacts.run import Run
from l2laug.commands.show import show
from l2laug.commands.verify import verify
from l2laug.config.load import parse_recipe, read_recipe
from l2laug.core.errors import L2lAugError
from l2laug.data.datasets.read_dataset import read_dataset
from l2laug.data.images.file_notes import file_notes
from l2laug.data.images.image_io import read_image
from l2laug.data.images.originals import read_original
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writing.manifest import read_entries
from tests.data.datasets import trees
from tests.fixtures import make as fixtures
from tests.mutations import damaged, twisted

Try = Callable[[random.Random], None]
IN_A_ROW = 25  # of a kind, by one process


def images(work: Path) -> Try:
    """Pictures of every kind, bytes damaged."""
    colour = np.random.default_rng(0).integers(0, 256, (20, 24, 3), np.uint8)
    whole: dict[str, bytes] = {}
    for name, kind, options in (
        ("a.png", "PNG", {}),
        ("b.jpg", "JPEG", {"progressive": True}),
        ("c.webp", "WEBP", {"lossless": True}),
        ("d.gif", "GIF", {"save_all": True, "append_images": [Image.new("RGB", (24, 20))]}),
        ("e.bmp", "BMP", {}),
        ("f.tif", "TIFF", {"compression": "tiff_lzw"}),
        ("g.avif", "AVIF", {}),
    ):
        buffer = io.BytesIO()
        Image.fromarray(colour).save(buffer, kind, **options)
        whole[name] = buffer.getvalue()
    for name, values in (
        ("h.tif", np.moveaxis(colour, 2, 0)),
        ("i.tif", np.zeros((20, 24, 6), np.uint16)),
        ("j.tif", np.ones((20, 24))),
    ):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, values, photometric="minisblack")
        whole[name] = buffer.getvalue()

    def once(chance: random.Random) -> None:
        name = chance.choice(sorted(whole))
        path = work / name
        path.write_bytes(damaged(whole[name], chance))
        file_notes([path])
        if chance.random() < 0.5:
            read_image(path, 32, 3)
        else:
            read_original(path, 64)

    return once


def recipes(work: Path) -> Try:
    """Recipes, as text and as values."""
    text = fixtures.RECIPE.read_bytes()

    def once(chance: random.Random) -> None:
        path = work / "recipe.yaml"
        if chance.random() < 0.5:
            path.write_bytes(damaged(text, chance))
            read_recipe(path)
        else:
            parse_recipe(twisted(yaml.safe_load(text), chance), "it")

    return once


def bundles(work: Path) -> Try:
    """Bundles: their card, or another file with a checksum that fits."""
    bundle = work / "tiny"
    shutil.copytree(fixtures.BUNDLE, bundle)
    info = json.loads((bundle / "bundle.json").read_text())
    small = [p for p in sorted(bundle.iterdir()) if p.suffix in (".safetensors", ".onnx", ".txt")]
    whole = {path: path.read_bytes() for path in small}

    def once(chance: random.Random) -> None:
        card = bundle / "bundle.json"
        kind = chance.randrange(3)
        if kind == 0:
            card.write_bytes(damaged(json.dumps(info).encode(), chance))
        elif kind == 1:
            card.write_text(json.dumps(twisted(info, chance)))
        else:
            path = chance.choice(small)
            path.write_bytes(damaged(whole[path], chance))
            write_info(bundle, info)
        try:
            verify([bundle])
            open_bundle(bundle).problems()
        finally:
            for path, content in whole.items():
                path.write_bytes(content)

    return once


def models(work: Path) -> Try:
    """Models: their bytes, or what their card says."""
    path = work / "model.onnx"
    content = (fixtures.RUN / "model.onnx").read_bytes()
    model = onnx.load_from_string(content)
    metadata = {prop.key: prop.value for prop in model.metadata_props}

    def once(chance: random.Random) -> None:
        if chance.random() < 0.6:
            path.write_bytes(damaged(content, chance))
        else:
            said = dict(metadata)
            key = chance.choice(sorted(said))
            if key == KEY:
                said[key] = json.dumps(twisted(json.loads(said[key]), chance))
            else:
                said[key] = damaged(said[key].encode(), chance).decode("latin-1")
            onnx.helper.set_model_props(model, said)
            path.write_bytes(model.SerializeToString())
        show(Run(path))
        next(iter(Sampler(path, device="cpu").draw(2)))

    return once


def manifests(work: Path) -> Try:
    """Manifests of samples."""
    keys = ("file", "class", "seed", "index", "tries", "accepted", "model", "sha256", "support")
    lines = [dict.fromkeys(keys, number) for number in range(3)]

    def once(chance: random.Random) -> None:
        path = work / "manifest.jsonl"
        text = "".join(json.dumps(twisted(line, chance)) + "\n" for line in lines)
        path.write_bytes(damaged(text.encode(), chance) if chance.random() < 0.5 else text.encode())
        list(read_entries(path))
        is_output(work)

    return once


def annotations(work: Path) -> Try:
    """Files that say what is on images."""
    sets = {"coco": trees.coco, "yolo": trees.yolo, "voc": trees.voc}
    roots = {name: make(work / name) or work / name for name, make in sets.items()}
    rows = [{"file": f"{i}.png", "label": "ab"[i % 2], "group": "g"} for i in range(6)]
    for row in rows:
        trees.picture(work / "table" / row["file"])
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    (work / "table" / "labels.csv").write_text(text.getvalue())
    roots["table"] = work / "table"
    files = [
        path
        for name in roots
        for path in sorted((work / name).rglob("*"))
        if path.is_file() and path.suffix in (".json", ".yaml", ".txt", ".xml", ".csv")
    ]
    whole = {path: path.read_bytes() for path in files}

    def once(chance: random.Random) -> None:
        path = chance.choice(files)
        if path.suffix in (".json", ".yaml") and chance.random() < 0.6:
            value = yaml.safe_load(whole[path])
            path.write_text(json.dumps(twisted(value, chance)))
        else:
            path.write_bytes(damaged(whole[path], chance))
        try:
            read_dataset(work / path.relative_to(work).parts[0])
        finally:
            path.write_bytes(whole[path])

    return once


KINDS: dict[str, Callable[[Path], Try]] = {
    "images": images,
    "recipes": recipes,
    "bundles": bundles,
    "models": models,
    "manifests": manifests,
    "annotations": annotations,
}


def fuzz(kind: str, seed: int, numbers: range, quickly: bool = False) -> list[tuple[int, str, str]]:
    """Try some damages of a kind: of each its number, how it ended, and why.

    It is ``read``, ``turned down`` or ``crashed``.

    Args:
        kind: of ``KINDS``.
        seed: of the damages.
        numbers: which of them.
        quickly: in this process.
    """
    if quickly:
        return _fuzz(kind, seed, numbers)
    ours, theirs = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(ours)
        with os.fdopen(theirs, "w") as pipe:
            _fuzz(kind, seed, numbers, lambda row: print(json.dumps(row), file=pipe, flush=True))
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        found = [tuple(json.loads(line)) for line in pipe]
    _, status = os.waitpid(pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        found.append((numbers[len(found)], "crashed", f"the process ended with {code}"))
    return found


def _fuzz(
    kind: str, seed: int, numbers: range, tell: Callable[[Any], None] = lambda _: None
) -> list[tuple[int, str, str]]:
    found = []
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        once = KINDS[kind](Path(name))
        for number in numbers:
            chance = random.Random(f"{kind} {seed} {number}")  # noqa: S311 # no secret
            row = (number, "read", "")
            try:
                once(chance)
            except L2lAugError as error:
                row = (number, "turned down", str(error)[:200])
            except Exception:  # it is what is looked for
                row = (number, "crashed", traceback.format_exc()[-1500:])
            tell(row)
            found.append(row)
    return found


def main() -> None:
    """Try all kinds in turns, and count."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="number of the first damage")
    parser.add_argument("--kinds", default=",".join(KINDS))
    options = parser.parse_args()
    began, number = time.monotonic(), options.start
    counts: dict[str, Counter[str]] = {kind: Counter() for kind in options.kinds.split(",")}
    while time.monotonic() - began < options.seconds:
        for kind, found in counts.items():
            for which, how, why in fuzz(kind, options.seed, range(number, number + IN_A_ROW)):
                found[how] += 1
                if how == "crashed":
                    print(f"{kind} --seed {options.seed} --start {which}: {why}", flush=True)
        number += IN_A_ROW
    for kind, found in counts.items():
        told = ", ".join(f"{found[how]} {how}" for how in ("read", "turned down", "crashed"))
        print(f"{kind}: {found.total()} tried, {told}; seed {options.seed}, up to number {number}")


if __name__ == "__main__":
    main()
