"""Sets of samples of any size: a bounded random part is in memory, the rest is read when needed."""

from __future__ import annotations

import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l2laug.artifacts.model_card import Card
from l2laug.core.arrays import Pixels
from l2laug.core.errors import ImageError
from l2laug.core.progress import Progress
from l2laug.evaluation.copies import nearest_rows
from l2laug.evaluation.real_images import Real
from l2laug.evaluation.samples import Samples, measure_samples, read_samples
from l2laug.features.extractor import Extractor
from l2laug.metrics.copies import find_copies

QUIET = Progress(quiet=True)


def write(folder: Path, count: int, side: int = 32, seed: int = 0) -> Pixels:
    """Random grey images as files; returns them, uint8 ``(N, 1, S, S)``."""
    folder.mkdir(parents=True)
    shape = (count, 1, side, side)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    for i, image in enumerate(pixels):
        Image.fromarray(image[0]).save(folder / f"{i:06d}.png", compress_level=0)
    return pixels


def rows_of(images: Pixels, among: Pixels) -> list[int]:
    """Which of ``among`` each image is."""
    return [int(np.flatnonzero((among == image).all((1, 2, 3)))[0]) for image in images]


def test_of_a_small_set_all_is_in_memory(card: Card, tmp_path: Path):
    pixels = write(tmp_path / card.class_name, 7)

    found = read_samples(tmp_path, card, QUIET)

    assert len(found) == 7
    assert (found.kept == pixels).all()
    assert (np.concatenate(list(found.chunks())) == pixels).all()


def test_of_a_large_set_a_random_part_is_in_memory_and_all_can_be_had(card: Card, tmp_path: Path):
    pixels = write(tmp_path / card.class_name, 300)
    one, again, other = (
        read_samples(tmp_path, card, QUIET, seed=seed, most=100) for seed in (0, 0, 1)
    )

    rows = rows_of(one.kept, pixels)
    assert len(one) == 300
    assert rows == sorted(set(rows))
    assert 20 < sum(row < 100 for row in rows) < 47  # 33 expected, 3.9 a standard deviation
    assert (one.kept == again.kept).all()
    assert rows != rows_of(other.kept, pixels)
    assert (np.concatenate(list(one.chunks())) == pixels).all()
    assert (one[299] == pixels[299]).all()


def test_files_that_can_not_be_read_are_left_out_wherever_they_are(card: Card, tmp_path: Path):
    pixels = write(tmp_path / card.class_name, 300)
    for i in (0, 150, 299):
        (tmp_path / card.class_name / f"{i:06d}.png").write_bytes(b"no picture")
    says: list[str] = []
    progress = Progress(quiet=True)
    progress.say = says.append

    found = read_samples(tmp_path, card, progress, most=100)

    assert len(found) == 297
    assert (np.concatenate(list(found.chunks())) == np.delete(pixels, [0, 150, 299], 0)).all()
    assert len(says) == 3
    assert set(rows_of(found.kept, pixels)).isdisjoint({0, 150, 299})


def test_a_file_that_went_away_meanwhile_is_named(card: Card, tmp_path: Path):
    write(tmp_path / card.class_name, 30)
    found = read_samples(tmp_path, card, QUIET, most=10)
    (tmp_path / card.class_name / "000007.png").unlink()

    with pytest.raises(ImageError, match=r"000007\.png"):
        list(found.chunks())


def test_some_of_a_large_set_are_a_random_part_of_it(card: Card, tmp_path: Path):
    pixels = write(tmp_path / card.class_name, 300)
    whole = read_samples(tmp_path, card, QUIET, most=100)

    some = whole.some(200, seed=0, most=50)

    rows = rows_of(np.concatenate(list(some.chunks())), pixels)
    assert len(some) == len(set(rows)) == 200
    assert rows == sorted(rows)
    assert max(rows) > 250
    assert len(some.kept) == 50
    assert set(rows_of(some.kept, pixels)) < set(rows)
    assert (some[3] == pixels[rows[3]]).all()


def test_copies_are_the_same_in_parts_and_at_once():
    random = np.random.default_rng(0)
    support, others, drawn = (
        random.integers(0, 256, (n, 1, 32, 32), dtype=np.uint8) for n in (4, 9, 600)
    )
    drawn[577] = support[2]

    once, parts = (
        find_copies(drawn, support, others),
        find_copies(Samples.in_memory(drawn).chunks(), support, others),
    )

    assert (once.distances == parts.distances).all()
    assert parts.drawn == once.drawn
    assert parts.distances.argmin() == 577
    best = nearest_rows(parts, Samples.in_memory(drawn), support)[0]
    assert (best[0] == support[2]).all()
    assert (best[1] == support[2]).all()


def mean_and_corner(pixels: Pixels) -> np.ndarray:
    return np.stack([pixels.mean((1, 2, 3)), pixels[:, 0, 0, 0]], 1).astype(np.float32)


def test_memory_does_not_grow_with_the_number_of_samples(card: Card, tmp_path: Path):
    side = 64
    card = replace(card, size=side)
    extractor = Extractor("two numbers", "", mean_and_corner)
    real = np.random.default_rng(5).integers(0, 256, (24, 1, side, side), dtype=np.uint8)

    def peak(count: int) -> int:
        tracemalloc.start()
        samples = read_samples(tmp_path / str(count), card, QUIET, most=100)
        measured = measure_samples(
            samples, Real(real[:4], real[4:], None, None), extractor, 0, tmp_path / "copies.png"
        )
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert measured.measures["copies"].samples == count
        assert measured.measures["near duplicates"].samples == 100
        assert f"All {count} samples" in measured.notes[0]
        return found

    for count in (300, 1100):
        write(tmp_path / str(count) / card.class_name, count, side)
    # Garbage that is not collected yet may be in a measurement, hence the lower of two.
    few, many = peak(300), min(peak(1100), peak(1100))

    # 800 more images would be 3 MB as they are, and 7 MB as halved floats. From Python 3.14 on
    # a path keeps its parts, 1 kB here.
    assert many - few < (1e6 if sys.version_info < (3, 14) else 2e6)
