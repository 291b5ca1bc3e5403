"""Extractors: the same features in any batch, timm's weights loaded or plainly rejected."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from l2laug.artifacts.bundle import open_bundle
from l2laug.core.arrays import Pixels
from l2laug.core.errors import BundleError, UsageError
from l2laug.core.hashing import file_hash
from l2laug.features import extractor as extracting
from l2laug.features.registry import find_extractor
from l2laug.features.timm_backbone import timm_extractor

NAME = "test_resnet"  # timm's own for tests: half a million weights, for 160x160


@pytest.fixture
def noise() -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (7, 1, 32, 32)).astype(np.uint8)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_file(timm.create_model(NAME).state_dict(), tmp_path / "weights.safetensors")
    return tmp_path / "weights.safetensors"


@pytest.mark.parametrize("kind", ["bundle", "timm"])
def test_neither_batches_nor_order_change_an_images_features(
    kind: str, tiny_bundle: Path, weights: Path, noise: Pixels, monkeypatch: pytest.MonkeyPatch
):
    wanted = "bundle" if kind == "bundle" else f"timm:{NAME}@{weights}"
    extract = find_extractor(wanted, open_bundle(tiny_bundle), "cpu")
    whole = extract(noise)
    monkeypatch.setattr(extracting, "BATCH", 2)

    assert whole.dtype == np.float64
    assert len(whole) == 7
    assert extract(noise[::-1])[::-1] == pytest.approx(whole, rel=1e-4, abs=1e-5)
    assert not np.allclose(whole[0], whole[1], rtol=1e-2)


def test_the_bundles_net_stands_with_the_hash_of_its_file(tiny_bundle: Path):
    extract = find_extractor("bundle", open_bundle(tiny_bundle))

    assert extract.digest == file_hash(tiny_bundle / "features.onnx")
    assert extract.resizing == "none"


def test_timm_features_are_what_its_model_pools(weights: Path, noise: Pixels):
    extract = timm_extractor(NAME, weights, "cpu")
    torch.manual_seed(0)
    model = timm.create_model(NAME).eval()

    config = model.pretrained_cfg
    mean, std = (np.array(config[k], np.float32)[:, None, None] for k in ("mean", "std"))
    grey = [Image.fromarray(n[0]).convert("F") for n in noise]
    side = config["input_size"][-1]
    large = np.stack([np.asarray(g.resize((side, side), Image.Resampling.BICUBIC)) for g in grey])
    x = torch.from_numpy((large[:, None] / 255 - mean) / std)
    with torch.no_grad():
        expected = model.forward_head(model.forward_features(x), pre_logits=True)

    assert extract(noise) == pytest.approx(expected.numpy(), rel=1e-3, abs=1e-4)
    assert extract.digest == file_hash(weights)
    assert extract.resizing == f"to {side}x{side}, bicubic, antialiased"
    assert NAME in extract.name


@pytest.mark.parametrize("wrap", [False, True])
def test_a_torch_state_dict_is_read_as_well(
    weights: Path, noise: Pixels, tmp_path: Path, wrap: bool
):
    torch.manual_seed(0)
    state = timm.create_model(NAME).state_dict()
    torch.save({"state_dict": state} if wrap else state, tmp_path / "weights.pth")

    other = timm_extractor(NAME, tmp_path / "weights.pth", "cpu")

    assert (other(noise) == timm_extractor(NAME, weights, "cpu")(noise)).all()


class Harmful:
    """What a pickle would run."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('ran')",)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path):
    torch.save({"state_dict": Harmful()}, tmp_path / "weights.pth")

    with pytest.raises(BundleError, match=r"weights\.pth holds no weights"):
        timm_extractor(NAME, tmp_path / "weights.pth", "cpu")


@pytest.mark.parametrize(
    ("name", "content"),
    [("w.safetensors", b"none"), ("w.pth", b"none"), ("w.pth", b""), ("w.safetensors", b"")],
)
def test_a_file_that_holds_no_weights_is_named(tmp_path: Path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(BundleError, match="holds no weights of test_resnet"):
        timm_extractor(NAME, tmp_path / name, "cpu")


def test_weights_of_another_model_do_not_fit(tmp_path: Path):
    save_file(timm.create_model("test_vit").state_dict(), tmp_path / "vit.safetensors")

    with pytest.raises(BundleError, match=r"vit\.safetensors does not fit test_resnet"):
        timm_extractor(NAME, tmp_path / "vit.safetensors", "cpu")


def test_a_weights_file_that_lacks_a_layer_does_not_fit(tmp_path: Path):
    state = timm.create_model(NAME).state_dict()
    del state["layer1.0.conv1.weight"]
    save_file(state, tmp_path / "less.safetensors")

    with pytest.raises(BundleError, match=r"layer1\.0\.conv1\.weight"):
        timm_extractor(NAME, tmp_path / "less.safetensors", "cpu")


@pytest.mark.parametrize(
    ("features", "error", "words"),
    [
        ("vgg", UsageError, "inception@PATH"),
        ("timm:", UsageError, "timm:NAME@PATH"),
        ("timm:resnet9000@w.pth", UsageError, "resnet9000"),
        (f"timm:{NAME}@nowhere.pth", BundleError, "no weights at nowhere.pth"),
    ],
)
def test_what_can_not_be_an_extractor_is_refused(
    tiny_bundle: Path, features: str, error: type[Exception], words: str
):
    with pytest.raises(error, match=words):
        find_extractor(features, open_bundle(tiny_bundle), "cpu")


def test_a_failed_fetch_says_how_to_give_a_file(monkeypatch: pytest.MonkeyPatch):
    def unreachable(*_args: object, **_options: object) -> None:
        raise ConnectionError("Name or service not known\nand more")

    monkeypatch.setattr(timm, "create_model", unreachable)

    with pytest.raises(BundleError, match=r"not known\. Give a file.*timm:test_resnet@PATH"):
        timm_extractor(NAME, None, "cpu")


def test_the_bundles_net_needs_no_torch(tiny_bundle: Path):
    code = (
        "import sys; sys.modules['torch'] = None; from l2laug.artifacts.bundle import open_bundle;"
        "from l2laug.features.registry import find_extractor; from pathlib import Path;"
        "find_extractor('bundle', open_bundle(Path(sys.argv[1])))"
    )
    subprocess.run([sys.executable, "-c", code, str(tiny_bundle)], check=True)
