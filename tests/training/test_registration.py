"""Registration: latents bend images onto those they are paired with."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from l2laug.images import class_folders, read_classes
from l2laug.nn.generator import Generator
from l2laug.nn.pair_encoder import PairEncoder
from l2laug.recipe import CommonOptions, Recipe, SourceOptions
from l2laug.training.pairs import PairSampler
from l2laug.training.registration import Registration


def bars(columns: torch.Tensor) -> torch.Tensor:
    """White images ``(N, 1, 32, 32)`` with a dark bar each, three pixels wide from its column."""
    place = torch.arange(32)[None, :] - columns[:, None]
    row = torch.where((place >= 0) & (place < 3), -1.0, 1.0)
    return row[:, None, None, :].expand(-1, 1, 32, 32).contiguous()


def players(tiny: Recipe) -> tuple[Generator, PairEncoder]:
    torch.manual_seed(0)
    options = tiny.generator.model_copy(update={"warp": 0.25, "warp_maps": True})
    return Generator(options), PairEncoder(tiny.critic, options)


def test_bars_learn_to_move_onto_those_they_are_paired_with(tiny: Recipe):
    generator, encoder = players(tiny)
    registration = Registration(encoder, 20.0, 0.001)
    optimiser = torch.optim.Adam([*generator.parameters(), *encoder.parameters()], 5e-3)
    random, apart = torch.Generator().manual_seed(0), []
    for _ in range(150):
        columns = torch.randint(8, 20, (16,), generator=random)
        given, other = bars(columns), bars(columns + torch.randint(-3, 4, (16,), generator=random))
        loss, terms = registration.loss(generator, given, other, random)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        apart.append(terms["apart"])

    assert sum(apart[-10:]) < 0.5 * sum(apart[:10])


def test_what_is_drawn_over_learns_nothing_from_it(tiny: Recipe):
    generator, encoder = players(tiny)
    x, y = bars(torch.tensor([4, 9])), bars(torch.tensor([8, 7]))

    loss, _ = Registration(encoder, 20.0, 0.01).loss(generator, x, y, torch.Generator())
    loss.backward()

    assert all(p.grad is None for p in generator.head.parameters())
    assert all(p.grad is None for p in generator.decoder[2:].parameters())
    assert generator.flow.weight.grad is not None
    assert generator.flow.weight.grad.any()
    assert all(p.grad is not None and p.grad.any() for p in encoder.moments.parameters())


def test_a_latent_that_tells_nothing_costs_no_nats(tiny: Recipe):
    generator, encoder = players(tiny)
    for parameter in encoder.moments.parameters():
        torch.nn.init.zeros_(parameter)
    x = bars(torch.tensor([4, 9]))

    _, terms = Registration(encoder, 20.0, 0.01).loss(generator, x, x, torch.Generator())

    assert terms["nats"] == 0.0


def test_latents_of_the_pairs_seen_last_are_lent_where_that_is_asked_for(tiny: Recipe):
    generator, encoder = players(tiny)
    x, y = bars(torch.arange(4, 12)), bars(torch.arange(8, 16))
    random = torch.Generator().manual_seed(0)
    lending, keeping = (Registration(encoder, 20.0, 0.01, lend=lend) for lend in (True, False))
    assert lending.borrow(3, random) is None

    for registration in (lending, keeping):
        registration.loss(generator, bars(torch.arange(8)), y, random)
        registration.loss(generator, x, y, random)

    assert keeping.borrow(3, random) is None
    lent, seen = lending.borrow(100, random), lending.lent
    assert lent is not None
    assert seen is not None
    assert not lent.requires_grad
    assert seen.shape == (8, tiny.generator.latent)
    rows = {tuple(row) for row in lent.tolist()}
    assert rows == {tuple(row) for row in seen.tolist()}


@torch.no_grad()
def test_settled_a_generator_draws_by_random_latents_what_it_drew_by_those_of_pairs(
    tiny: Recipe, digits: Path
):
    generator, encoder = players(tiny)
    # Whatever the pair, latents of mean -1, 0.5, 2 ... and of a tenth of the usual deviation.
    means = torch.arange(tiny.generator.latent) * 1.5 - 1
    torch.nn.init.zeros_(encoder.moments.weight)
    encoder.moments.bias.copy_(torch.cat([means, torch.full_like(means, 2 * math.log(0.1))]))
    pairs = PairSampler(read_classes(class_folders(digits), 32, 1), torch.device("cpu"), 0)
    generator.eval()
    x, z = bars(torch.tensor([4, 9])), torch.randn(2, tiny.generator.latent)
    as_it_was, wanted = generator(x, z), generator(x, 0.1 * z + means)

    Registration(encoder, 20.0, 0.01).settle(generator, pairs)
    assert torch.equal(generator(x, z), as_it_was)
    Registration(encoder, 20.0, 0.01, lend=True).settle(generator, pairs)
    assert torch.allclose(generator(x, z), wanted, atol=1e-4)
    assert pairs.drawn == 0


def test_latents_that_go_together_do_so_once_settled(tiny: Recipe, digits: Path):
    generator, encoder = players(tiny)
    pairs = PairSampler(read_classes(class_folders(digits), 32, 1), torch.device("cpu"), 0)
    torch.nn.init.normal_(encoder.moments.weight, std=0.3)
    entering = generator.noise[0]
    with torch.no_grad():
        batches = [pairs.draw(64) for _ in range(64)]
        moments = [encoder.eval()(given, other) for given, other, _ in batches]
        latents = torch.cat([m + torch.randn(m.shape) * (v / 2).exp() for m, v in moments])
        before = entering(latents)
        Registration(encoder, 20.0, 0.01, lend=True).settle(generator, pairs)
        after = entering(torch.randn(latents.shape))

    scale = before.std(0).mean()
    assert torch.allclose(after.mean(0), before.mean(0), atol=0.1 * scale)
    off = (after.T.cov() - before.T.cov()).norm() / before.T.cov().norm()
    assert off < 0.1


def test_a_part_of_a_recipe_that_asks_for_none_has_none(tiny: Recipe):
    assert Registration.of(SourceOptions(), tiny) is None
    found = Registration.of(CommonOptions(registration=3.0, divergence=0.5), tiny)
    assert found is not None
    assert (found.weight, found.divergence, found.lend) == (3.0, 0.5, False)
    lending = Registration.of(CommonOptions(registration=3.0, latents="pairs"), tiny)
    assert lending is not None
    assert lending.lend
