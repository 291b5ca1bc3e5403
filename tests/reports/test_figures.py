"""The pictures of a report: great circles, rejected draws, and what is shown when."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l2laug.core.arrays import Pixels
from l2laug.evaluation.samples import Samples
from l2laug.metrics.copies import find_copies
from l2laug.reports.figures import LOOKED_AT, gather, rejected_draws, slerp
from l2laug.sampling.sampler import Sampler, latent


@pytest.fixture
def sampler(tiny_run: Path) -> Sampler:
    return Sampler(tiny_run / "model.onnx", device="cpu")


@pytest.fixture
def noise() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (70, 1, 32, 32), dtype=np.uint8)


def test_a_quarter_of_the_circle_by_hand():
    start, end = np.array([1, 0], np.float32), np.array([0, 3], np.float32)
    points = slerp(start, end, np.array([0, 1 / 3, 0.5, 1], np.float32))

    third = (1 + 2 / 3) * np.array([np.cos(np.pi / 6), np.sin(np.pi / 6)])
    half = 2 * np.array([np.sqrt(0.5), np.sqrt(0.5)])
    assert points == pytest.approx(np.stack([start, third, half, end]), abs=1e-6)


def test_between_equal_latents_nothing_moves():
    point = np.array([0.6, 0.8], np.float32)

    assert slerp(point, point, np.linspace(0, 1, 4, dtype=np.float32)) == pytest.approx(
        np.tile(point, (4, 1))
    )


@pytest.mark.parametrize(("limit", "count"), [(-1.0, 0), (1.1, LOOKED_AT)])
def test_draws_under_the_limit_are_refused_the_worst_first(
    sampler: Sampler, monkeypatch: pytest.MonkeyPatch, limit: float, count: int
):
    monkeypatch.setattr(sampler, "card", replace(sampler.card, acceptance_threshold=limit))
    rejected = rejected_draws(sampler, 3)

    assert len(rejected) == count
    if count:
        rows = np.arange(LOOKED_AT) % len(sampler.card.support_hashes)
        latents = np.stack([latent(3, i, 0, sampler.card.latent) for i in range(LOOKED_AT)])
        pixels, similarity = sampler.decode(rows, latents)
        assert np.array_equal(rejected[0], pixels[similarity.argmin()])
        assert np.array_equal(rejected[-1], pixels[similarity.argmax()])


def test_what_is_drawn_does_not_depend_on_what_is_drawn_with_it(sampler: Sampler):
    latents = np.stack([latent(0, i, 0, sampler.card.latent) for i in range(40)])
    together, similarity = sampler.decode([0] * 40, latents)
    alone, alike = sampler.decode([0], latents[37:38])

    assert np.array_equal(together[37], alone[0])
    assert similarity[37] == alike[0]


def test_every_picture_holds_itself_and_says_what_it_shows(sampler: Sampler, noise: Pixels):
    copies = find_copies(noise, noise[:5], noise[5:20])
    pictures = gather("скол", sampler, Samples.in_memory(noise), noise[:5], noise[5:20], copies, 0)

    titles = [p.title for p in pictures]
    assert titles[:5] == [
        "Support images",
        "Samples",
        "Real images",
        "Nearest pairs",
        "Paths through the latents",
    ]
    for picture in pictures:
        file = io.BytesIO(base64.b64decode(picture.uri.removeprefix("data:image/png;base64,")))
        with Image.open(file) as image:
            assert image.size == (picture.width, picture.height)
        assert picture.alt
    assert "5 real images that the model was adapted from of скол" in pictures[0].alt
    assert pictures[1].caption == "60 samples, of 70, taken at random."


def test_what_there_is_none_of_is_not_shown(sampler: Sampler, noise: Pixels):
    pictures = gather("3", sampler, Samples.in_memory(noise), noise[:2], noise[:0], None, 0)

    assert not {"Real images", "Nearest pairs"} & {p.title for p in pictures}
