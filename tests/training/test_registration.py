"""Registration: latents warp images onto those they are paired with."""

from __future__ import annotations

import torch

from l2laug.config.recipe import BaseOptions, Recipe, SourceOptions
from l2laug.nn.generator import Generator
from l2laug.nn.pair_encoder import PairEncoder
from l2laug.training.registration import Registration


def bars(columns: torch.Tensor) -> torch.Tensor:
    """White images ``(N, 1, 32, 32)`` with a dark bar each, three pixels wide from its column."""
    place = torch.arange(32)[None, :] - columns[:, None]
    row = torch.where((place >= 0) & (place < 3), -1.0, 1.0)
    return row[:, None, None, :].expand(-1, 1, 32, 32).contiguous()


def methods(tiny: Recipe) -> tuple[Generator, PairEncoder]:
    torch.manual_seed(0)
    options = tiny.generator.model_copy(update={"warp": 0.25, "warp_maps": True})
    return Generator(options), PairEncoder(tiny.critic, options)


def test_bars_learn_to_move_onto_those_they_are_paired_with(tiny: Recipe):
    generator, encoder = methods(tiny)
    registration = Registration(encoder, 20.0, 0.001)
    optimiser = torch.optim.Adam([*generator.parameters(), *encoder.parameters()], 5e-3)
    random, apart = torch.Generator().manual_seed(0), []
    for _ in range(80):
        columns = torch.randint(8, 20, (16,), generator=random)
        given, other = bars(columns), bars(columns + torch.randint(-3, 4, (16,), generator=random))
        loss, terms = registration.loss(generator, given, other, random)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        apart.append(terms["apart"])

    assert sum(apart[-10:]) < 0.5 * sum(apart[:10])


def test_what_is_drawn_over_learns_nothing_from_it(tiny: Recipe):
    generator, encoder = methods(tiny)
    x, y = bars(torch.tensor([4, 9])), bars(torch.tensor([8, 7]))

    loss, _ = Registration(encoder, 20.0, 0.01).loss(generator, x, y, torch.Generator())
    loss.backward()

    assert all(p.grad is None for p in generator.head.parameters())
    assert all(p.grad is None for p in generator.decoder[2:].parameters())
    assert generator.flow.weight.grad is not None
    assert generator.flow.weight.grad.any()
    assert all(p.grad is not None and p.grad.any() for p in encoder.moments.parameters())


def test_a_latent_that_tells_nothing_costs_no_nats(tiny: Recipe):
    generator, encoder = methods(tiny)
    for parameter in encoder.moments.parameters():
        torch.nn.init.zeros_(parameter)
    x = bars(torch.tensor([4, 9]))

    _, terms = Registration(encoder, 20.0, 0.01).loss(generator, x, x, torch.Generator())

    assert terms["kl"] == 0.0


def test_a_part_of_a_recipe_that_asks_for_none_has_none(tiny: Recipe):
    assert Registration.of(SourceOptions(), tiny) is None
    found = Registration.of(BaseOptions(registration=3.0, kl_weight=0.5), tiny)
    assert found is not None
    assert (found.weight, found.kl_weight) == (3.0, 0.5)
