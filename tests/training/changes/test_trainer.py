"""Training finds what varies between images, and nothing else; it goes on as if never cut off."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from l2laug.artifacts.training_log import read_training_log
from l2laug.config.change import ChangeOptions, ChangeTrainingOptions
from l2laug.config.recipe import GeneratorOptions
from l2laug.core.arrays import Pixels, to_pixels
from l2laug.core.errors import BundleError
from l2laug.core.progress import Progress
from l2laug.features.general import MAP_WIDTHS
from l2laug.nn.changes.change import Warp
from l2laug.nn.changes.encoder import ChangeEncoder
from l2laug.nn.changes.generator import ChangeGenerator
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training.changes.loss import log_contrast
from l2laug.training.changes.neighbours import NeighbourPairs
from l2laug.training.changes.trainer import ChangeTrainer, train_change

SIDE, COUNT = 32, 48
OPTIONS = ChangeTrainingOptions(batch=16, features=1.0, near=1.0, average=0.9)


class Pooled(nn.Module):
    """Stands in for the general net: what is learned here shows in pixels, and this is fast."""

    def forward(self, x: Tensor) -> Tensor:
        return self.maps(x)[1]

    def maps(self, x: Tensor) -> tuple[list[Tensor], Tensor]:
        sides = zip(MAP_WIDTHS, (12, 6, 3), strict=True)
        maps = [
            F.adaptive_avg_pool2d(x.mean(1, keepdim=True), side).expand(-1, width, -1, -1)
            for width, side in sides
        ]
        return maps, F.adaptive_avg_pool2d(x, 4).flatten(1)


def blob(side: int = SIDE) -> Tensor:
    """A coloured blob that is no mirror image of itself, on mid grey."""
    ends = torch.linspace(-1, 1, side)
    y, x = torch.meshgrid(ends, ends, indexing="ij")
    near = torch.exp(-((x - 0.1) ** 2 / 0.1 + (y + 0.1) ** 2 / 0.03))
    low = torch.exp(-((x + 0.3) ** 2 / 0.03 + (y - 0.3) ** 2 / 0.06))
    return torch.stack([0.7 * near, 0.6 * low, 0.5 * near - 0.4 * low])


def varied(kind: str) -> Pixels:
    """One picture many times: shifted by up to a fifth of the side, or its light changed."""
    random = torch.Generator().manual_seed(0)
    x = blob()[None].expand(COUNT, -1, -1, -1)
    if kind == "shift":
        motion = torch.zeros(COUNT, 5)
        motion[:, 3:] = (torch.rand(COUNT, 2, generator=random) - 0.5) * 0.8
        warp = Warp(5, (SIDE,))
        x = warp(x.contiguous(), warp.grid(motion, torch.zeros(COUNT, 2, 5, 5)))
    elif kind == "light":
        x = x + (torch.rand(COUNT, 1, 1, 1, generator=random) - 0.5) * 0.6
    return to_pixels(x.numpy())


def pairs_of(pixels: Pixels, seed: int = 0) -> NeighbourPairs:
    """Any two of them."""
    others = np.stack([np.roll(np.arange(COUNT), shift) for shift in range(1, COUNT)], 1)
    labels = np.zeros(COUNT, np.int64)
    return NeighbourPairs(pixels, others, labels, np.ones(1), seed, mirror=False)


def trainer(
    steps: int, *, latent: int = 6, options: ChangeTrainingOptions = OPTIONS, draw: bool = False
) -> ChangeTrainer:
    torch.manual_seed(0)
    image = GeneratorOptions(
        size=SIDE,
        channels=3,
        encoder=(16, 16, 16, 16),
        decoder=(16, 16, 8, 8, 8),
        latent=latent,
        noise_channels=(2, 1, 1),
    )
    session = Session(Engine(torch.device("cpu"), torch.float32), Progress(quiet=True))
    nets = ChangeGenerator(image, ChangeOptions(draw=draw)), ChangeEncoder(image, (8, 16, 16, 16))
    return ChangeTrainer(*nets, Pooled(), options, session, steps=steps, rate=2e-3)


def what_varies(net: ChangeGenerator) -> dict[str, float]:
    """Deviations of free draws of the blob: of its place in half sides, and of its brightness."""
    z = torch.randn(200, net.options.latent, generator=torch.Generator().manual_seed(1))
    x = blob()[None].expand(200, -1, -1, -1)
    with torch.no_grad():
        change = net(x, z)
    light = change.image.mean((1, 2, 3))
    place = change.grid.mean((1, 2))
    contrast = log_contrast(change.image, x)
    return {
        "place": float(place.std(0).mean()),
        "light": float(light.std()),
        "contrast": float(contrast.mean()),
        "worst": float(contrast.min()),
    }


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "steps"), [("shift", 250), ("light", 150)])
def test_what_varies_is_learned_and_nothing_else(kind: str, steps: int) -> None:
    found = what_varies(train_change(trainer(steps), pairs_of(varied(kind))))
    # Even draws between -.4 and .4 deviate by .23, of brightness between -.3 and .3 by .17; two of
    # a pair differ by more than each does from the middle.
    if kind == "shift":
        assert 0.15 < found["place"] < 0.35
        assert found["light"] < 0.04
    else:
        assert 0.1 < found["light"] < 0.3
        assert found["place"] < 0.04
    assert abs(found["contrast"]) < 0.2
    assert found["worst"] > -0.5


def test_images_that_are_all_alike_teach_no_change() -> None:
    found = what_varies(train_change(trainer(60), pairs_of(varied("none"))))
    assert found["place"] < 0.02
    assert found["light"] < 0.02


def test_it_starts_as_the_identity() -> None:
    new = trainer(10)
    x, z = blob()[None], torch.randn(1, 6)
    with torch.no_grad():
        assert torch.allclose(new.average(x, z).image, x, atol=1e-4)


@pytest.mark.parametrize("critic", [0.0, 1.0])
def test_a_training_that_was_cut_off_ends_in_the_same_weights(
    critic: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("l2laug.training.changes.trainer.CHECKPOINT_EVERY", 2)
    pixels = varied("shift")
    options = OPTIONS.model_copy(update={"critic": critic})

    def new() -> ChangeTrainer:
        return trainer(6, options=options, draw=critic > 0)

    whole = train_change(new(), pairs_of(pixels))

    class CutError(Exception):
        """The machine is switched off."""

    class Fragile(NeighbourPairs):
        def draw(self, batch: int, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
            if self.drawn == 4:
                raise CutError
            return super().draw(batch, device)

    sound = pairs_of(pixels)
    fragile = Fragile(pixels, sound.nearest, np.zeros(COUNT, np.int64), np.ones(1), 0, mirror=False)
    with pytest.raises(CutError):
        train_change(new(), fragile, tmp_path)
    resumed = train_change(new(), sound, tmp_path)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name
    told = read_training_log(tmp_path / "metrics.jsonl")
    assert [row["step"] for row in told] == [2, 4, 5, 6]
    found = {"pyramid", "contrast", "features", "features_unchanged", "near"}
    found |= {"critic", "critic_learns", "drawn"} if critic else set()
    assert found <= set(told[0]["losses"])


def test_a_checkpoint_of_other_networks_is_refused(tmp_path: Path) -> None:
    train_change(trainer(1), pairs_of(varied("none")), tmp_path)
    with pytest.raises(BundleError, match="does not fit"):
        train_change(trainer(2, latent=5), pairs_of(varied("none")), tmp_path)
