"""Draws in a DataLoader: the pictures that sample writes, whatever the worker."""

from __future__ import annotations

import pickle
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader
from torchvision import tv_tensors
from torchvision.transforms import v2

from l2laug.core.errors import UsageError
from l2laug.core.progress import Progress
from l2laug.sampling.sampler import Sampler
from l2laug.sampling.writer import write_samples
from l2laug.torch import Draws, ReplaceByDraws

PAGE = Path(__file__).parents[1] / "docs" / "pipelines.md"
N = 40


@pytest.fixture(scope="module")
def pictures(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    """What sample writes with seed 3."""
    out = tmp_path_factory.mktemp("drawn")
    write_samples(Sampler(tiny_run / "model.onnx", "cpu"), N, out, 3, Progress(quiet=True))
    return [np.asarray(Image.open(path)) for path in sorted((out / "3").iterdir())]


def arrays(pairs: Any) -> list[np.ndarray]:
    return [np.asarray(picture) for picture, _ in pairs]


def first(batch: list[Any]) -> Any:
    return batch[0]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # two, on one core
@pytest.mark.parametrize("workers", [0, 2])
def test_draws_are_the_pictures_that_sample_writes(
    tiny_run: Path, pictures: list[np.ndarray], workers: int
) -> None:
    draws = Draws(tiny_run, N, seed=3, target=7)
    assert (np.asarray(draws[35][0]) == pictures[35]).all()  # a session is open before the fork
    loader = DataLoader(draws, batch_size=1, num_workers=workers, collate_fn=first)
    pairs = list(loader)
    assert [target for _, target in pairs] == [7] * N
    assert all((a == b).all() for a, b in zip(arrays(pairs), pictures, strict=True))


def test_the_order_does_not_matter_nor_does_pickling(
    tiny_run: Path, pictures: list[np.ndarray]
) -> None:
    draws = pickle.loads(pickle.dumps(Draws(tiny_run, N, seed=3)))  # noqa: S301
    for index in (39, 0, -1, 20):
        assert (np.asarray(draws[index][0]) == pictures[index]).all()
    assert len(draws) == N
    with pytest.raises(IndexError):
        draws[N]


def test_a_draw_takes_the_place_of_a_rare_image_alone(
    tiny_run: Path, pictures: list[np.ndarray]
) -> None:
    always = ReplaceByDraws({1: tiny_run}, p=1, n=N, seed=3)
    photo = Image.new("RGB", (50, 40), "red")
    assert always(photo, 0) == (photo, 0)
    drawn, label = always(photo, 1)
    assert (drawn.mode, label) == ("RGB", 1)
    assert any((np.asarray(drawn)[..., 0] == picture).all() for picture in pictures)
    pair = v2.Compose([always, v2.Resize((8, 8))])(photo, 1)
    assert pair[0].size == (8, 8)


def test_a_probability_is_kept_and_seeded(tiny_run: Path) -> None:
    sometimes = ReplaceByDraws({1: tiny_run}, p=0.3, n=N)
    photo = Image.new("L", (50, 40))

    def replaced() -> list[bool]:
        torch.manual_seed(0)
        return [sometimes(photo, 1)[0] is not photo for _ in range(400)]

    assert 0.2 < np.mean(replaced()) < 0.4
    assert replaced() == replaced()


@pytest.mark.parametrize("kind", [torch.uint8, torch.float32])
def test_a_tensor_is_replaced_by_one_of_its_channels_and_type(
    tiny_run: Path, kind: torch.dtype
) -> None:
    image = tv_tensors.Image(torch.zeros(3, 20, 30, dtype=kind))
    drawn, _ = ReplaceByDraws({0: tiny_run}, p=1, n=N)(image, torch.tensor(0))
    assert isinstance(drawn, tv_tensors.Image)
    assert (drawn.shape, drawn.dtype) == ((3, 32, 32), kind)
    assert (drawn[0] == drawn[2]).all()
    assert 0.5 < float(drawn.max()) / (255 if kind == torch.uint8 else 1) <= 1


def test_what_can_not_be_drawn_is_refused_at_once(tiny_run: Path, tmp_path: Path) -> None:
    for wrong in (
        lambda: Draws(tiny_run, 0),
        lambda: Draws(tmp_path / "none", 3),
        lambda: Draws(tiny_run, 3, size=4),
        lambda: ReplaceByDraws({0: tiny_run}, p=1.5),
    ):
        with pytest.raises(UsageError):
            wrong()


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # two, on one core
def test_the_example_of_the_docs_runs(
    digits: Path,
    tiny_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    [block] = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for name, label in (("crack", "3"), ("none", "0")):
        shutil.copytree(digits / label, tmp_path / "data" / "train" / name)
    shutil.copytree(tiny_run, tmp_path / "l2laug-runs" / "crack")
    monkeypatch.chdir(tmp_path)
    exec(block, {})  # noqa: S102
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 6  # of 24 real and 64 drawn images, 16 at a time
    assert "torch.Size([16, 3, 64, 64])" in said[0]
    assert sum(int(re.findall(r"tensor\((\d+)\)", line)[0]) for line in said) == 12 + 64
