"""The generator against the paper's Table 1."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from l2laug.config.recipe import GeneratorOptions, Recipe
from l2laug.nn.generator import Generator, clipped

# Layer, and the height = width and channels that Table 1 gives for its output.
TABLE_1 = {
    "stem": (48, 64),
    "encoder.0": (24, 64),
    "encoder.1": (12, 128),
    "encoder.2": (6, 128),
    "decoder.0": (12, 128),
    "decoder.1": (24, 128),
    "decoder.2": (48, 64),
    "decoder.3": (96, 64),
    "decoder.4": (96, 64),
    "head.0": (96, 64),
    "head.3": (96, 64),
    "head.6": (96, 3),
}


class Double(nn.Module):
    def forward(self, h: Tensor) -> Tensor:
        return 2 * h


@pytest.fixture
def generator(tiny: Recipe) -> Generator:
    torch.manual_seed(0)
    return Generator(tiny.generator).eval()


def inputs(options: GeneratorOptions, count: int = 2) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(1)
    x = torch.rand(count, options.channels, options.size, options.size, generator=random) * 2 - 1
    return x, torch.randn(count, options.latent, generator=random)


def test_every_layer_has_the_shape_of_table_1():
    options = GeneratorOptions(size=96, channels=3)
    generator = Generator(options).eval()
    shapes: dict[str, tuple[int, ...]] = {}
    for name in TABLE_1:
        generator.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output, name=name: shapes.update({name: tuple(output.shape)})
        )

    with torch.no_grad():
        image = generator(*inputs(options, 1))

    assert shapes == {name: (1, c, side, side) for name, (side, c) in TABLE_1.items()}
    assert image.shape == (1, 3, 96, 96)


@pytest.mark.parametrize(("size", "channels"), [(32, 1), (48, 3), (128, 3)])
def test_other_sizes_and_channels_give_images_like_their_input(size: int, channels: int):
    narrow = {"encoder": (8, 8, 8, 8), "decoder": (8, 8, 8, 8, 8)}
    options = GeneratorOptions(size=size, channels=channels, **narrow)
    x, z = inputs(options)

    with torch.no_grad():
        image = Generator(options).eval()(x, z)

    assert image.shape == x.shape
    assert image.abs().max() <= 1


@torch.no_grad()
def test_the_image_depends_on_the_latent_and_on_the_given_image(generator: Generator):
    x, z = inputs(generator.options)
    image = generator(x, z)

    assert torch.equal(image, generator(x, z))
    assert (generator(x, -z) - image).abs().max() > 1e-4
    assert (generator(-x, z) - image).abs().max() > 1e-4


def test_phi_of_z_depends_on_the_latent_alone(tiny: Recipe):
    options = tiny.generator.model_copy(update={"conditioned": False})
    generator, (x, z) = Generator(options).eval(), inputs(options)

    assert torch.equal(generator(x, z), generator(-x, z))
    assert not torch.equal(generator(x, z), generator(x, -z))


@torch.no_grad()
def test_a_warping_generator_moves_the_given_image_and_draws_over_it(tiny: Recipe):
    options = tiny.generator.model_copy(update={"warp": 0.25})
    generator, (x, z) = Generator(options).eval(), inputs(options)
    mask = generator.head[-1].bias[-1:]
    nn.init.zeros_(generator.flow.weight)

    mask.fill_(-100)
    assert torch.allclose(generator(x, z), x, atol=1e-4)

    generator.flow.bias.copy_(torch.tensor([100.0, 0.0]))  # as far to the left as may be
    moved = generator(x, z)
    assert torch.allclose(moved[..., :-8], x[..., 8:], atol=1e-4)
    assert torch.allclose(moved[..., -8:], x[..., -1:].expand_as(moved[..., -8:]), atol=1e-4)

    mask.fill_(100)
    drawn = generator(x, z)
    assert (drawn - generator(x, -z)).abs().max() > 1e-4
    assert drawn.abs().max() <= 1


@torch.no_grad()
def test_warped_maps_reach_the_later_blocks_moved_as_far_as_the_image(tiny: Recipe):
    options = tiny.generator.model_copy(update={"warp": 0.25, "warp_maps": True})
    generator, (x, z) = Generator(options).eval(), inputs(options)
    nn.init.zeros_(generator.flow.weight)
    generator.flow.bias.copy_(torch.tensor([100.0, 0.0]))  # by a quarter of the side to the left
    seen: dict[int, Tensor] = {}
    for i, block in enumerate(generator.decoder):
        block.register_forward_pre_hook(lambda _m, args, i=i: seen.update({i: args[0]}))
    maps = generator.encode(x)

    generator.decode(maps, z)

    d = options.decoder
    for i, skip in ((2, maps[1]), (3, maps[0]), (4, x)):
        got, far = seen[i][:, d[i - 1] :][:, : skip.shape[1]], skip.shape[-1] // 4
        assert torch.allclose(got[..., :-far], skip[..., far:], atol=1e-4)
    assert torch.equal(seen[1][:, d[0] :][:, : maps[2].shape[1]], maps[2])


@torch.no_grad()
@pytest.mark.parametrize("warp_maps", [False, True])
def test_bending_is_what_is_drawn_where_nothing_is_drawn_over(tiny: Recipe, warp_maps: bool):
    options = tiny.generator.model_copy(update={"warp": 0.25, "warp_maps": warp_maps})
    generator, (x, z) = Generator(options).eval(), inputs(options)
    nn.init.normal_(generator.flow.weight)
    generator.head[-1].bias[-1:].fill_(-100)

    warped = generator.warp(x, z)

    assert torch.allclose(warped, generator(x, z), atol=1e-4)
    assert (warped - x).abs().max() > 0.1


def test_headroom_clips_that_share_of_either_half():
    colours = torch.tensor([-1, -0.9, -0.45, 0, 0.45, 0.9, 1])
    assert clipped(colours, -1.0, 0.1).tolist() == pytest.approx([-1, -1, -0.5, 0, 0.5, 1, 1])
    mask = torch.tensor([0, 0.05, 0.275, 0.5, 0.95, 1])
    assert clipped(mask, 0.0, 0.1).tolist() == pytest.approx([0, 0, 0.25, 0.5, 1, 1])
    assert torch.equal(clipped(colours, -1.0, 0.0), colours)


@torch.no_grad()
def test_with_headroom_a_faint_mask_leaves_the_bent_image_as_it_is(tiny: Recipe):
    gaps = []
    for clip_margin in (0.0, 0.1):
        torch.manual_seed(0)
        changes = {"warp": 0.25, "clip_margin": clip_margin}
        generator = Generator(tiny.generator.model_copy(update=changes)).eval()
        x, z = inputs(generator.options)
        last = generator.head[-1]
        nn.init.zeros_(last.weight)
        nn.init.constant_(last.bias, -4.0)  # a mask of 0.018, and black
        gaps.append((generator(x, z) - generator.warp(x, z)).abs().max().item())
    assert gaps[0] > 0.01
    assert gaps[1] < 1e-6


@torch.no_grad()
def test_with_headroom_all_drawn_anew_can_be_pure_white(tiny: Recipe):
    generator = Generator(tiny.generator.model_copy(update={"clip_margin": 0.1})).eval()
    last = generator.head[-1]
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, 1.5)  # tanh of it is 0.905
    assert (generator(*inputs(generator.options)) == 1).all()


@torch.no_grad()
@pytest.mark.parametrize("position", [0, 1, 2, 3, 4])
def test_a_gem_changes_its_own_map_and_what_follows_but_nothing_before(
    generator: Generator, position: int
):
    x, z = inputs(generator.options)
    maps = generator.encode(x)
    without = generator.decoder_maps(maps, z)
    with_gem = generator.decoder_maps(maps, z, {str(position): Double()})

    for before in range(position):
        assert torch.equal(with_gem[before], without[before])
    assert torch.allclose(with_gem[position], 2 * without[position])
    for after in range(position + 1, 5):
        assert not torch.allclose(with_gem[after], without[after])


@torch.no_grad()
def test_count_stops_the_decoder_early_with_the_same_maps(generator: Generator):
    x, z = inputs(generator.options)
    maps = generator.encode(x)

    first_two = generator.decoder_maps(maps, z, count=2)

    assert len(first_two) == 2
    assert torch.equal(first_two[1], generator.decoder_maps(maps, z)[1])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"clip_margin": 0.1},
        {"warp": 0.2},
        {"warp": 0.2, "warp_maps": True},
        {"warp": 0.2, "warp_maps": True, "clip_margin": 0.1},
    ],
)
def test_the_gradient_reaches_every_parameter(tiny: Recipe, changes: dict[str, float]):
    torch.manual_seed(0)
    generator = Generator(tiny.generator.model_copy(update=changes))
    x, z = inputs(generator.options, 4)
    target = torch.randn(x.shape, generator=torch.Generator().manual_seed(2))

    (generator.train()(x, z) * target).sum().backward()

    unreached = [
        name
        for name, parameter in generator.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert unreached == []
