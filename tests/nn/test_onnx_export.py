"""Export: what onnxruntime draws against torch, and what the file tells."""

from __future__ import annotations

import getpass
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import nn

import l2laug
from l2laug.artifacts.model_card import Card
from l2laug.config.recipe import GemOptions, GeneratorOptions
from l2laug.core.arrays import pixel_hash
from l2laug.core.errors import BundleError
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.nn import onnx_export
from l2laug.nn.feature_net import FeatureNet
from l2laug.nn.gem import Gem, build_gems
from l2laug.nn.generator import Generator
from l2laug.nn.onnx_export import TOLERANCE, TargetModel, export_features, export_model
from l2laug.nn.prototype_classifier import PrototypeClassifier

SMALL = {"encoder": (8, 8, 8, 8), "decoder": (8, 8, 8, 8, 8), "latent": 10}
GREY = GeneratorOptions(**SMALL)


@pytest.fixture(scope="module")
def support(rare: Path) -> ImageSet:
    return read_classes(class_folders(rare), 32, 1)


@pytest.fixture(scope="module")
def card(card: Card, support: ImageSet) -> Card:
    return replace(card, support_hashes=tuple(pixel_hash(p) for p in support.pixels))


def networks(options: GeneratorOptions, *, with_gems: bool) -> tuple[Generator, nn.ModuleDict]:
    torch.manual_seed(0)
    gems = GemOptions(positions=(0, 1, 2) if with_gems else (), residual=False)
    generator = Generator(options)
    with torch.no_grad():
        # Batch norm as after training: statistics of its own, not 0 and 1.
        generator.train()(
            torch.rand(8, options.channels, options.size, options.size),
            torch.randn(8, options.latent),
        )
    built = build_gems(gems, options).eval()
    for name, gem in built.items():
        if name == "1" and isinstance(gem, Gem):
            gem.strength = 0.5
    return generator.eval(), built


def classifier(images: ImageSet) -> PrototypeClassifier:
    torch.manual_seed(1)
    net = FeatureNet(images.pixels.shape[1], 4, 7).eval()
    return PrototypeClassifier(net, 7).learn(images)


@pytest.fixture(scope="module")
def model(support: ImageSet, card: Card, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A grey model with GEMs, one of them at half its strength."""
    path = tmp_path_factory.mktemp("export") / "model.onnx"
    export_model(
        TargetModel(*networks(GREY, with_gems=True), classifier(support)), support, card, path
    )
    return path


def draw(path: Path, rows: torch.Tensor, z: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["images"], {"support": rows.numpy(), "latent": z.numpy()})[0])


@torch.no_grad()
@pytest.mark.parametrize("count", [1, 3, 32])
def test_onnx_draws_what_torch_draws(model: Path, support: ImageSet, count: int):
    generator, gems = networks(GREY, with_gems=True)
    rows, z = torch.arange(count).flip(0) % 5, torch.randn(count, 10)
    given = torch.from_numpy(support.pixels).float()[rows] / 127.5 - 1

    drawn = draw(model, rows, z)

    assert drawn.shape == (count, 1, 32, 32)
    gap = np.abs(drawn - generator(given, z, dict(gems.items())).numpy()).max()
    assert gap < 1e-4
    if count > 1:
        assert np.abs(drawn - generator(given, z).numpy()).max() > TOLERANCE, "GEMs left out"


@torch.no_grad()
def test_the_similarity_is_the_cosine_between_an_image_and_its_class(
    model: Path, support: ImageSet
):
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    feed = {"support": np.array([0, 3]), "latent": np.zeros((2, 10), np.float32)}

    images, similarity = (np.asarray(v) for v in session.run(["images", "similarity"], feed))

    net = classifier(support).net
    real = net.features(torch.from_numpy(support.pixels).float() / 127.5 - 1).numpy()
    prototype = (real / np.linalg.norm(real, axis=1, keepdims=True)).mean(0)
    drawn = net.features(torch.from_numpy(images)).numpy()
    lengths = np.linalg.norm(drawn, axis=1) * np.linalg.norm(prototype)
    assert similarity == pytest.approx(drawn @ prototype / lengths, abs=1e-4)


# The sizes of lfw, neu-steel and the paper's faces; 32 is above.
@pytest.mark.slow
@torch.no_grad()
@pytest.mark.parametrize(
    ("size", "options"),
    [(48, {"warp": 0.2, "warp_maps": True}), (64, {"warp": 0.2}), (96, {"conditioned": False})],
)
def test_a_larger_colour_model_with_one_support_image(
    support: ImageSet, card: Card, tmp_path: Path, size: int, options: dict[str, Any]
):
    generator, gems = networks(
        GeneratorOptions(channels=3, size=size, **options, **SMALL), with_gems=False
    )
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, size, size)).astype(np.uint8)
    one = ImageSet(pixels, support.labels[:1], support.classes, support.paths[:1])
    path = tmp_path / "model.onnx"

    export_model(
        TargetModel(generator, gems, classifier(one)), one, replace(card, channels=3), path
    )

    z = torch.randn(3, 10)
    given = torch.from_numpy(pixels).float().expand(3, 3, size, size) / 127.5 - 1
    drawn = draw(path, torch.zeros(3, dtype=torch.int64), z)
    assert drawn.shape == (3, 3, size, size)
    assert np.abs(drawn - generator(given, z).numpy()).max() < 1e-4
    kinds = {node.op_type for node in onnx.load(path).graph.node}
    assert "GridSample" not in kinds  # which onnxruntime is slow at


def test_the_file_carries_its_card(model: Path, card: Card):
    metadata = {p.key: p.value for p in onnx.load(model).metadata_props}

    assert Card.from_metadata(metadata, "model.onnx") == card


def test_the_file_is_whole_and_draws_nothing_at_random_itself(model: Path):
    loaded = onnx.load(model, load_external_data=False)
    onnx.checker.check_model(loaded)
    kinds = {node.op_type for node in loaded.graph.node}

    assert not any("Random" in kind or kind in ("Bernoulli", "Multinomial") for kind in kinds)
    assert not any(t.external_data for t in loaded.graph.initializer)
    assert [p.name for p in model.parent.iterdir()] == ["model.onnx"]


def test_nothing_of_the_machine_or_the_support_files_is_in_it(model: Path, support: ImageSet):
    content = model.read_bytes()
    secrets = [
        str(Path.home()) + "/",
        str(Path.cwd()),
        str(Path(l2laug.__file__).parent),
        str(Path(torch.__file__).parent),
        str(model.parent),
        str(support.paths[0].parent),
        support.paths[0].name,
        "site-packages",
        ".py",
        f"/{getpass.getuser()}/",
    ]

    assert [s for s in secrets if s.encode() in content] == []


def test_a_net_that_onnxruntime_sees_otherwise_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    run = onnxruntime.InferenceSession.run

    def wrong(self: onnxruntime.InferenceSession, *args: object) -> list[np.ndarray]:
        return [output + 0.01 for output in run(self, *args)]

    monkeypatch.setattr(onnxruntime.InferenceSession, "run", wrong)
    monkeypatch.setattr(onnx_export, "_captured", onnx_export._traced)  # which takes less time

    with pytest.raises(BundleError, match="differs from torch"):
        export_features(FeatureNet(1, 4, 7).eval(), 32, 1, tmp_path / "features.onnx")
    assert list(tmp_path.iterdir()) == []


@torch.no_grad()
def test_a_torch_without_the_older_exporter_exports_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    export = torch.onnx.export

    def newer(*args: Any, dynamo: bool, **options: Any) -> Any:
        if not dynamo:
            raise TypeError("dynamo=False is gone")
        return export(*args, dynamo=dynamo, **options)

    monkeypatch.setattr(torch.onnx, "export", newer)
    torch.manual_seed(0)
    net, x = FeatureNet(1, 4, 7).eval(), torch.rand(3, 1, 16, 16) * 2 - 1

    export_features(net, 16, 1, tmp_path / "features.onnx")

    session = onnxruntime.InferenceSession(str(tmp_path / "features.onnx"))
    (features,) = session.run(["features"], {"images": x.numpy()})
    assert np.allclose(features, net.features(x).numpy(), atol=1e-5)


@torch.no_grad()
def test_a_feature_net_gives_torchs_features(tmp_path: Path):
    torch.manual_seed(0)
    net, path = FeatureNet(1, 4, 7).eval(), tmp_path / "features.onnx"
    x = torch.rand(5, 1, 32, 32) * 2 - 1

    export_features(net, 32, 1, path)

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (features,) = session.run(["features"], {"images": x.numpy()})
    assert np.asarray(features).shape == (5, 16)
    assert np.allclose(features, net.features(x).numpy(), atol=1e-5)
