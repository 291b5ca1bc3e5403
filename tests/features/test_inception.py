"""Inception features against torch-fidelity's own numbers, with random weights."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from l2laug.core.arrays import Pixels
from l2laug.core.errors import BundleError, UsageError
from l2laug.data.images.image_io import read_image
from l2laug.evaluation.scores import INCEPTION, measure
from l2laug.features.inception import inception_extractor
from l2laug.metrics.fid import frechet_distance
from l2laug.metrics.inception_score import inception_score

torch_fidelity = pytest.importorskip("torch_fidelity", reason="needs l2laug[inception]")
# torch-fidelity starts as many workers as it likes.
pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning")
MANY = 16


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in torch-fidelity's layout."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3 as Net

    path = tmp_path_factory.mktemp("weights") / "random.pth"
    torch.save({}, path)
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Net, "load_state_dict", lambda *_: None)
        state = Net("inception", ["64"], feature_extractor_weights_path=str(path)).state_dict()
    for name, value in state.items():
        if name.endswith("conv.weight"):  # as large as keeps differences alive to the last layer
            torch.nn.init.kaiming_normal_(value)
    state["fc.weight"] *= 20
    torch.save(state, path)
    return path


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two kinds of blurred noise at the net's own size."""
    random = np.random.default_rng(0)
    made = []
    for coarse in (5, 9):
        folder = tmp_path_factory.mktemp(f"noise{coarse}")
        for i in range(MANY):
            noise = random.integers(0, 256, (coarse, coarse, 3), dtype=np.uint8)
            Image.fromarray(noise).resize((299, 299)).save(folder / f"{i:03d}.png")
        made.append(folder)
    return made[0], made[1]


def pixels(folder: Path, count: int) -> Pixels:
    return np.stack([read_image(p, channels=3) for p in sorted(folder.iterdir())[:count]])


@pytest.mark.slow
def test_fid_is_torch_fidelitys_on_the_same_files(weights: Path, folders: tuple[Path, Path]):
    theirs = torch_fidelity.calculate_metrics(
        input1=str(folders[0]),
        input2=str(folders[1]),
        fid=True,
        feature_layer_fid="64",
        feature_extractor_weights_path=str(weights),
        cuda=False,
        save_cpu_ram=True,  # no worker processes: each would import torch anew
        cache=False,
        verbose=False,
    )
    extract = inception_extractor("64", weights, "cpu")
    ours = frechet_distance(*(extract(pixels(folder, MANY)) for folder in folders))

    assert ours == pytest.approx(theirs["frechet_inception_distance"], rel=1e-3)
    assert "other weights" in extract.name
    assert extract.head is None


def test_the_inception_score_is_torch_fidelitys(
    weights: Path, folders: tuple[Path, Path], tmp_path: Path
):
    few = pixels(folders[0], 6)
    for i, image in enumerate(few):
        Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / f"{i}.png")
    theirs = torch_fidelity.calculate_metrics(
        input1=str(tmp_path),
        isc=True,
        isc_splits=1,
        feature_extractor_weights_path=str(weights),
        cuda=False,
        save_cpu_ram=True,  # no worker processes: each would import torch anew
        cache=False,
        verbose=False,
    )
    extract = inception_extractor("2048", weights, "cpu")
    features = extract(few)

    assert extract.head is not None
    score = inception_score(extract.head(features))
    assert score > 1.01
    assert score - 1 == pytest.approx(theirs["inception_score_mean"] - 1, rel=1e-3)
    assert measure(features[:4], features[4:], extract)[INCEPTION].value > 1


def test_small_images_are_resized_and_grey_ones_made_colour(weights: Path):
    noise = np.random.default_rng(0).integers(0, 256, (2, 1, 32, 32), dtype=np.uint8)
    extract = inception_extractor("64", weights, "cpu")

    assert extract(noise).shape == (2, 64)
    assert "299x299" in extract.resizing


def test_what_is_missing_is_said_with_what_to_do(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with pytest.raises(UsageError, match="64, 192, 768, 2048"):
        inception_extractor("99", weights)
    with pytest.raises(BundleError, match="no weights at nowhere"):
        inception_extractor("64", Path("nowhere"))
    damaged = tmp_path / "damaged.pth"
    damaged.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(BundleError, match="holds no weights"):
        inception_extractor("64", damaged)

    def offline(*_: object, **__: object) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(BundleError, match=r"no route to host.*inception@PATH"):
        inception_extractor("64", None)
    cached = tmp_path / "hub" / "checkpoints" / "weights-inception-2015-12-05-6726825d.pth"
    cached.write_bytes(b"cut off")
    with pytest.raises(BundleError, match="is damaged"):
        inception_extractor("64", None)
