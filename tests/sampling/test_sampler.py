"""Drawing: what an image depends on, and what it takes to draw one."""

from __future__ import annotations

import ctypes.util
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from l2laug.core.errors import BundleError, DeviceError, UsageError
from l2laug.sampling.sampler import TRIES, Sampler, latent

NO_DRIVER = ctypes.util.find_library("cuda") is None

WITHOUT_TORCH = """
import sys
from importlib.abc import MetaPathFinder

class Missing(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision", "timm", "sklearn", "scipy"}:
            raise ImportError(f"{name} is not installed (for this test)")

sys.meta_path.insert(0, Missing())
try:
    import torch
except ImportError:
    from l2laug.cli import app
    app(sys.argv[1:])
"""

LOADED_BY_HELP = """
import sys
from l2laug.cli import app

for command in ([], ["adapt"], ["sample"], ["evaluate"], ["pretrain"], ["bundles"]):
    try:
        app([*command, "--help"])
    except SystemExit as stop:
        assert not stop.code
heavy = {"torch", "onnxruntime", "numpy", "PIL", "scipy", "sklearn", "timm"}
print("loaded:", sorted(heavy & set(sys.modules)))
"""


@pytest.fixture(scope="module")
def sampler(tiny_run: Path) -> Sampler:
    """One that rejects nothing."""
    return with_limit(tiny_run, -1.0)


def pixels(sampler: Sampler, count: int, seed: int = 0, first: int = 0) -> np.ndarray:
    return np.concatenate([d.pixels for d in sampler.draw(count, seed, first)])


def test_images_have_the_size_of_the_bundle(sampler: Sampler) -> None:
    drawn = pixels(sampler, 3)
    assert drawn.shape == (3, 1, 32, 32)
    assert drawn.dtype == np.uint8
    assert drawn.min() < drawn.max()


@pytest.mark.parametrize("count", [1, 31, 33, 64])
def test_an_image_does_not_depend_on_the_count(sampler: Sampler, count: int) -> None:
    assert (pixels(sampler, count, seed=5) == pixels(sampler, 70, seed=5)[:count]).all()


@pytest.mark.parametrize("first", [1, 32, 45])
def test_an_image_does_not_depend_on_where_drawing_starts(sampler: Sampler, first: int) -> None:
    assert (pixels(sampler, 25, first=first) == pixels(sampler, 70)[first : first + 25]).all()


@pytest.mark.parametrize("threads", [0, 2, 3])
def test_an_image_does_not_depend_on_the_threads(
    sampler: Sampler, tiny_run: Path, threads: int
) -> None:
    other = Sampler(tiny_run / "model.onnx", device="cpu", threads=threads)
    other.card = sampler.card
    assert (pixels(other, 40) == pixels(sampler, 40)).all()


def test_every_image_is_another_one(sampler: Sampler) -> None:
    drawn = np.concatenate([pixels(sampler, 40, seed=0), pixels(sampler, 40, seed=1)])
    assert len(np.unique(drawn.reshape(80, -1), axis=0)) == 80


def test_support_images_take_turns(sampler: Sampler) -> None:
    rows = [int(r) for d in sampler.draw(33, first=4) for r in d.support]  # five of them
    assert rows[:8] == [4, 0, 1, 2, 3, 4, 0, 1]
    assert rows[32] == 36 % 5


def test_indices_are_those_of_the_seed(sampler: Sampler) -> None:
    assert [list(d.indices) for d in sampler.draw(34, first=7)] == [[*range(7, 39)], [39, 40]]


def with_limit(tiny_run: Path, limit: float) -> Sampler:
    sampler = Sampler(tiny_run / "model.onnx", device="cpu", threads=1)
    sampler.card = replace(sampler.card, acceptance_threshold=limit)
    return sampler


def test_draws_that_are_too_little_like_their_class_are_drawn_anew(tiny_run: Path) -> None:
    easy = with_limit(tiny_run, -1.0)
    first = easy._try([(i, 0) for i in range(32)], seed=0)
    limit = float(np.median([t.similarity for t in first]))
    hard = list(with_limit(tiny_run, limit).draw(32))

    tries, drawn, similarities, accepted = (
        np.concatenate([getattr(d, name) for d in hard])
        for name in ("tries", "pixels", "similarities", "accepted")
    )
    for one in first:
        kept = (drawn[one.index] == one.pixels).all()
        assert kept == (tries[one.index] == 1) or not accepted[one.index]
        assert one.similarity < limit or kept
    assert 0 < (tries > 1).sum() <= 16
    assert (accepted == (similarities >= limit)).all()
    assert (tries[~accepted] == TRIES).all()


def test_of_an_image_that_never_is_like_its_class_the_best_try_is_taken(tiny_run: Path) -> None:
    sampler = with_limit(tiny_run, 2.0)  # no cosine is that large
    (drawn,) = sampler.draw(1, seed=4, first=9)
    tried = sampler._try([(9, t) for t in range(TRIES)], seed=4)

    best = max(tried, key=lambda t: t.similarity)
    assert (drawn.pixels[0] == best.pixels).all()
    assert drawn.similarities[0] == np.float32(best.similarity)
    assert drawn.tries[0] == TRIES
    assert not drawn.accepted[0]


def test_refusing_changes_neither_the_order_nor_any_image_of_another_count(
    tiny_run: Path,
) -> None:
    easy = with_limit(tiny_run, -1.0)
    similarity = [t.similarity for t in easy._try([(i, 0) for i in range(32)], seed=0)]
    sampler = with_limit(tiny_run, float(np.quantile(similarity, 0.3)))

    long = list(sampler.draw(100))
    assert [i for d in long for i in d.indices] == list(range(100))
    whole = np.concatenate([d.pixels for d in long])
    assert (pixels(sampler, 33) == whole[:33]).all()
    assert (pixels(sampler, 20, first=61) == whole[61:81]).all()


def test_nothing_is_drawn_of_no_images(sampler: Sampler) -> None:
    assert list(sampler.draw(0)) == []


def test_latents_are_standard_normal() -> None:
    values = np.stack(
        [latent(seed, i, t, 100) for seed in (0, 1) for i in range(250) for t in (0, 1)]
    )
    assert len(np.unique(values)) > 99_000
    assert abs(values.mean()) < 0.02  # 6 standard errors of 100,000 values
    assert abs(values.std() - 1) < 0.02
    assert abs(np.corrcoef(values[0], values[1])[0, 1]) < 0.5


def test_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="No model at"):
        Sampler(tmp_path / "model.onnx")


def test_a_damaged_model(tiny_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.onnx"
    path.write_bytes((tiny_run / "model.onnx").read_bytes()[:5000])
    with pytest.raises(BundleError, match=r"half\.onnx can't be loaded"):
        Sampler(path, device="cpu")


def test_a_model_of_someone_else(tiny_bundle: Path) -> None:
    with pytest.raises(BundleError, match="not a model that l2laug adapt wrote"):
        Sampler(tiny_bundle / "features.onnx", device="cpu")


def test_an_unknown_device(tiny_run: Path) -> None:
    with pytest.raises(UsageError, match="--device tpu is unknown"):
        Sampler(tiny_run / "model.onnx", device="tpu")


@pytest.mark.skipif(not NO_DRIVER, reason="there is a CUDA driver here")
def test_cuda_without_a_gpu_is_an_error(tiny_run: Path) -> None:
    with pytest.raises(DeviceError, match="--device cuda"):
        Sampler(tiny_run / "model.onnx", device="cuda")


@pytest.mark.skipif(not NO_DRIVER, reason="there is a CUDA driver here")
def test_auto_without_a_gpu_is_the_cpu(tiny_run: Path) -> None:
    assert Sampler(tiny_run / "model.onnx").provider == "CPU"


def test_sampling_works_without_torch(tiny_run: Path, tmp_path: Path) -> None:
    command = ["sample", str(tiny_run), "-n", "7", "-o", str(tmp_path / "out"), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *command], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["sampled"]["count"] == 7
    drawn = sorted((tmp_path / "out" / "3").iterdir())
    assert [p.name for p in drawn] == [f"00000{i}.png" for i in range(7)]
    with Image.open(drawn[6]) as image:
        assert image.size == (32, 32)


def test_help_loads_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED_BY_HELP], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("Usage:") == 6
    assert done.stdout.splitlines()[-1] == "loaded: []"
