"""A change is the identity at zero, exact for affine motions, and the same applied by numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from l2laug.config.change import ChangeOptions
from l2laug.config.recipe import GeneratorOptions
from l2laug.nn.changes.change import affine_matrix, toned
from l2laug.nn.changes.encoder import ChangeEncoder
from l2laug.nn.changes.generator import ChangeGenerator, colourfulness
from l2laug.nn.generator import Generator
from l2laug.sampling.apply_change import Change, apply_change

IMAGE = GeneratorOptions(
    size=32,
    channels=3,
    encoder=(8, 8, 8, 8),
    decoder=(8, 8, 8, 8, 8),
    latent=6,
    noise_channels=(2, 1, 1),
)


def generator(*, draw: bool = True, moved: bool = False) -> ChangeGenerator:
    torch.manual_seed(0)
    net = ChangeGenerator(IMAGE, ChangeOptions(draw=draw)).eval()
    if moved:
        for last in (net.motion[-1], net.flow, *([net.head[-1]] if draw else [])):
            torch.nn.init.normal_(last.get_parameter("weight"), std=0.1)
    return net


def given(count: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    return torch.rand(count, 3, 32, 32, generator=random) * 2 - 1, torch.randn(
        count, 6, generator=random
    )


@pytest.mark.parametrize("draw", [False, True])
@torch.no_grad()
def test_an_untrained_generator_and_one_of_no_strength_are_the_identity(draw: bool) -> None:
    x, z = given()
    assert torch.allclose(generator(draw=draw)(x, z).image, x, atol=2e-5)
    moved = generator(draw=draw, moved=True)
    assert (moved(x, z).image - x).abs().mean() > 0.05
    assert torch.allclose(moved(x, z, torch.zeros(4)).image, x, atol=2e-5)


@pytest.mark.parametrize("part", range(4))
@torch.no_grad()
def test_each_part_has_a_strength_of_its_own(part: int) -> None:
    x, z = given()
    strength = torch.zeros(4)
    strength[part] = 1
    found = generator(moved=True)(x, z, strength)
    still = generator(moved=True)(x, z, torch.zeros(4))
    moves = [(found.grid - still.grid).abs().max(), found.tone.abs().max()]
    moves.append(found.difference.abs().max())
    wanted = [part in (0, 1), part == 2, part == 3]
    assert [float(m) > 1e-4 for m in moves] == wanted


@torch.no_grad()
def test_numpy_applies_what_torch_decided() -> None:
    x, z = given()
    change = generator(moved=True)(x, z, torch.tensor([0.3, 0.3, 1.0, 1.0]))
    smooth = torch.nn.functional.avg_pool2d(x, 5, 1, 2)  # two kernels agree where nothing is sharp
    change = generator(moved=True)(smooth, z, torch.tensor([0.3, 0.3, 1.0, 1.0]))
    for i in range(len(x)):
        original = ((smooth[i] + 1) / 2).permute(1, 2, 0).numpy()
        parts = Change(*(part[i].numpy() for part in change[:3]))
        ours = apply_change(original, parts, 3)
        theirs = ((change.image[i] + 1) / 2).permute(1, 2, 0).numpy()
        assert np.abs(ours - theirs)[3:-3, 3:-3].mean() < 0.01


def test_an_affine_matrix_by_hand() -> None:
    quarter, shift = affine_matrix(torch.tensor([[math.pi / 2, 0, 0, 0.1, -0.2]]))
    assert torch.allclose(quarter[0], torch.tensor([[0.0, -1], [1, 0]]), atol=1e-6)
    assert shift[0].tolist() == pytest.approx([0.1, -0.2])
    scaled, _ = affine_matrix(torch.tensor([[0, math.log(2), math.log(3), 0, 0]]))
    assert torch.allclose(scaled[0], torch.tensor([[6.0, 0], [0, 2 / 3]]), atol=1e-5)


def test_a_tone_curve_by_hand() -> None:
    image = torch.full((1, 2, 1, 1), 0.0)  # a half
    curves = torch.tensor([[[math.log(1.2), 0.1, 0], [0, 0, math.log(2)]]])
    assert toned(image, curves).flatten().tolist() == pytest.approx([0.4, -0.5], abs=1e-5)


@torch.no_grad()
def test_the_generator_of_table_1_tells_what_it_draws_as_a_change() -> None:
    torch.manual_seed(0)
    net = Generator(IMAGE.model_copy(update={"warp": 0.2, "warp_maps": True})).eval()
    torch.nn.init.normal_(net.flow.weight, std=0.3)
    x, z = given()
    maps = net.encode(x)
    change = net.decode_change(maps, z)
    assert torch.allclose(change.image, net.decode(maps, z), atol=1e-6)
    assert torch.allclose(net.nodes(x, change.grid) + change.difference, change.image, atol=1e-5)
    # What is left to the difference is little where the mask is nearly shut and the image smooth.
    smooth = torch.nn.functional.avg_pool2d(x, 9, 1, 4)
    change = net.decode_change(net.encode(smooth), z)
    moved = (net.nodes(smooth, change.grid) - smooth).abs().mean()
    mask_shut = (change.difference).abs().mean()
    assert moved > 0.01
    assert mask_shut < 0.25


def test_an_encoder_tells_a_pair_from_another() -> None:
    torch.manual_seed(0)
    encoder = ChangeEncoder(IMAGE, (8, 8, 8)).eval()
    x, _ = given()
    mean, spread = encoder(x, x.roll(1, 0))
    assert mean.shape == spread.shape == (4, 6)
    assert not torch.allclose(mean[0], mean[1])


@torch.no_grad()
@pytest.mark.parametrize("draw", [False, True])
def test_grey_stays_grey_exactly_whatever_was_learned(draw: bool) -> None:
    x, z = given()
    grey = x[:, :1].expand(-1, 3, -1, -1).contiguous()
    net = generator(draw=draw, moved=True)
    torch.nn.init.normal_(net.motion[-1].get_parameter("weight"), std=1.0)
    change = net(grey, z)
    assert (change.tone[:, 0] - change.tone[:, 1]).abs().max() == 0
    assert (change.image - change.image[:, :1]).abs().max() == 0
    assert (change.image - grey).abs().mean() > 0.05
    coloured = net(x, z)
    assert (coloured.tone[:, 0] - coloured.tone[:, 1]).abs().mean() > 0.05
    # So does the original at its own size, 16-bit as well.
    original = np.repeat(np.random.default_rng(0).integers(0, 65536, (50, 40, 1), np.uint16), 3, 2)
    parts = (part[0].numpy() for part in (change.grid, change.tone, change.difference))
    applied = apply_change(original, Change(*parts), 3)
    assert (applied == applied[..., :1]).all()
    assert (applied != original).any()


@pytest.mark.parametrize(("noise", "least", "most"), [(0, 0, 0), (1, 0, 0.2), (60, 0.9, 1)])
def test_the_colour_noise_of_compression_is_hardly_colour(
    noise: int, least: float, most: float
) -> None:
    random = torch.Generator().manual_seed(0)
    grey = torch.rand(2, 1, 32, 32, generator=random).expand(-1, 3, -1, -1) * 2 - 1
    tints = torch.randn(2, 3, 1, 1, generator=random) * noise / 127.5
    found = colourfulness(grey + tints)
    assert ((found >= least) & (found <= most)).all()
