"""Samples come at their originals' size and depth; sizes and formats as asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from l2laug.core.errors import UsageError
from l2laug.core.progress import Progress
from l2laug.data.images.originals import read_original
from l2laug.sampling.model import Model
from l2laug.sampling.render import PictureOptions, render
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writer import write_samples

QUIET = Progress(quiet=True)


def manifest(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]


def test_each_sample_has_the_size_and_channels_of_its_original(
    model: Path, files: list[Path], tmp_path: Path
) -> None:
    written = write_samples(Sampler(model, device="cpu"), 8, tmp_path, 0, QUIET)
    assert written.side is None
    arrays = list(Model(Sampler(model, device="cpu")).pictures(8))
    for i, line in enumerate(manifest(tmp_path)):
        original = read_original(files[i % 4])
        sample = read_original(tmp_path / line["file"])
        assert line["file"].endswith("tif" if i % 4 == 3 else "png")
        assert sample.pixels.shape == original.pixels.shape
        np.testing.assert_array_equal(arrays[i], sample.pixels)
        assert sample.pixels.dtype == original.pixels.dtype
        assert tuple(line["size"]) == original.size
        assert not np.array_equal(sample.pixels, original.pixels)


def test_squeezed_it_is_what_the_model_drew(model: Path) -> None:
    sampler = Sampler(model, device="cpu")
    (drawn,) = sampler.draw(4)
    for k in (2,):  # the grey one: a grey model says of colours only their change
        native = render(sampler, drawn, k)
        small = np.asarray(
            Image.fromarray(native.pixels[..., 0]).resize((32, 32), Image.Resampling.LANCZOS)
        )
        gap = np.abs(small.astype(int) - drawn.pixels[k, 0].astype(int))
        assert gap.mean() < 4


def test_originals_can_be_read_small(model: Path) -> None:
    whole, small = Sampler(model, "cpu"), Sampler(model, "cpu", max_side=16)
    for row in range(4):
        one, other = whole.original(row), small.original(row)
        assert one is not None
        assert other is not None
        assert max(one.size) > 16 == max(other.size)
        assert abs(one.pixels.mean(dtype=float) / other.pixels.mean(dtype=float) - 1) < 0.05


def test_small_squares_of_any_side(model: Path, tmp_path: Path) -> None:
    sampler = Sampler(model, device="cpu")
    for size in (32, 20):
        folder = tmp_path / str(size)
        written = write_samples(sampler, 3, folder, 0, QUIET, pictures=PictureOptions(size=size))
        assert written.side == size
        assert all(line["size"] == [size, size] for line in manifest(folder))


@pytest.mark.parametrize(("name", "kind"), [("jpg", "JPEG"), ("webp", "WEBP")])
def test_a_format_that_cannot_hold_an_original_is_refused_before_any_work(
    model: Path, tmp_path: Path, name: str, kind: str
) -> None:
    sampler = Sampler(model, device="cpu")
    with pytest.raises(UsageError, match=f"--format {name} can't hold uint16"):
        write_samples(sampler, 4, tmp_path / "a", 0, QUIET, pictures=PictureOptions(format=name))
    assert not (tmp_path / "a").exists()
    small = PictureOptions(size=32, format=name)
    write_samples(sampler, 2, tmp_path / "b", 0, QUIET, pictures=small)
    with Image.open(tmp_path / "b" / "a" / f"000000.{name}") as picture:
        assert picture.format == kind


def test_a_model_without_originals_writes_its_own_squares(tiny_run: Path, tmp_path: Path) -> None:
    written = write_samples(Sampler(tiny_run / "model.onnx", device="cpu"), 2, tmp_path, 0, QUIET)
    assert written.side == 32
    assert all(line["size"] == [32, 32] for line in manifest(tmp_path))


def test_a_format_nobody_knows() -> None:
    with pytest.raises(UsageError, match="--format gif is unknown"):
        PictureOptions(format="gif")
