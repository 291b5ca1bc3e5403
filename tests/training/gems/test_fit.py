"""GEM training, on a weak generator that is the strong one but for a known fault."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from l2laug.config.recipe import GemOptions, Recipe
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.nn.gem import build_gems
from l2laug.nn.generator import Generator
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training.gems.fit import train_gems
from l2laug.training.pairs import PairSampler

ENGINE = Engine(torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def images(digits: Path) -> ImageSet:
    return read_classes(class_folders(digits), 32, 1)


@pytest.fixture
def strong(tiny: Recipe) -> Generator:
    torch.manual_seed(0)
    return Generator(tiny.generator)


@pytest.fixture
def weak(strong: Generator) -> Generator:
    """The strong generator with the map behind decoder block 1 shifted."""
    faulty = copy.deepcopy(strong)
    nn.init.constant_(faulty.decoder[1].norm2.bias, 0.5)
    return faulty


def make_gems(options: GemOptions, tiny: Recipe) -> nn.ModuleDict:
    """GEMs that start alike whatever other positions there are."""
    gems = nn.ModuleDict()
    for i in options.positions:
        torch.manual_seed(i)
        alone = options.model_copy(update={"positions": (i,)})
        gems.update(build_gems(alone, tiny.generator))
    return gems


def train(
    images: ImageSet, tiny: Recipe, strong: Generator, weak: Generator, **options: Any
) -> tuple[nn.ModuleDict, dict[str, tuple[float, float]], int]:
    """The trained GEMs, the losses before and after, and how many batches that took."""
    chosen = GemOptions(**{"batch": 4, "positions": (0, 1, 2), "type": 2} | options)
    gems, pairs = make_gems(chosen, tiny), PairSampler(images, ENGINE.device, 0)
    losses = train_gems(gems, strong, weak, pairs, chosen, Session(ENGINE, Progress(quiet=True)))
    return gems, losses, pairs.drawn


def state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


def same(one: nn.Module, other: nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize("kind", [1, 2, 3])
def test_a_gem_learns_to_undo_the_fault(
    images: ImageSet, tiny: Recipe, strong: Generator, weak: Generator, kind: int
):
    _, losses, _ = train(
        images,
        tiny,
        strong,
        weak,
        type=kind,
        positions=(1,),
        steps=80,
        learning_rate=1e-2,
    )

    before, after = losses["1"]
    assert after < before / 3


def test_there_is_nothing_to_learn_where_weak_is_as_good_as_strong(
    images: ImageSet, tiny: Recipe, strong: Generator
):
    _, losses, _ = train(images, tiny, strong, copy.deepcopy(strong), steps=2)

    assert losses == {"0": (0, 0), "1": (0, 0), "2": (0, 0)}


def test_a_fault_is_seen_at_its_own_map_and_behind_it_but_not_before(
    images: ImageSet, tiny: Recipe, strong: Generator, weak: Generator
):
    _, losses, _ = train(images, tiny, strong, weak, strategy="A", steps=1)

    assert losses["0"] == (0, 0)
    assert losses["1"][0] > 0.1
    assert losses["2"][0] > 0


@pytest.mark.parametrize(("strategy", "batches"), [("A", 9), ("B", 9), ("C", 3)])
def test_strategies_a_and_b_train_one_position_after_another_and_c_all_at_once(
    images: ImageSet,
    tiny: Recipe,
    strong: Generator,
    weak: Generator,
    strategy: str,
    batches: int,
):
    options = GemOptions(type=2)
    untrained = make_gems(options, tiny)

    gems, _, drawn = train(
        images, tiny, strong, weak, strategy=strategy, steps=3, norm="l2", residual=False
    )

    assert drawn == batches
    assert [name for name in gems if same(gems[name], untrained[name])] == []


@pytest.mark.parametrize(("strategy", "untouched"), [("A", True), ("B", False)])
def test_a_shallow_gem_goes_on_learning_under_a_deeper_one_in_b_only(
    images: ImageSet,
    tiny: Recipe,
    strong: Generator,
    weak: Generator,
    strategy: str,
    untouched: bool,
):
    shared = {"strategy": strategy, "steps": 3}
    alone, *_ = train(images, tiny, strong, weak, positions=(1,), **shared)
    followed, *_ = train(images, tiny, strong, weak, positions=(1, 2), **shared)

    assert same(followed["1"], alone["1"]) is untouched


def test_a_trains_each_gem_on_the_weak_generators_own_maps(
    images: ImageSet, tiny: Recipe, strong: Generator, weak: Generator
):
    """Whatever the shallow GEM does, the deep one's first loss is that without any GEM."""
    _, a, _ = train(images, tiny, strong, weak, positions=(2,), strategy="A", steps=1)
    both = {"positions": (1, 2), "steps": 40, "learning_rate": 1e-2}
    _, in_a, _ = train(images, tiny, strong, weak, strategy="A", **both)
    _, in_b, _ = train(images, tiny, strong, weak, strategy="B", **both)

    assert in_a["2"][0] > 0.7 * a["2"][0]
    assert in_b["2"][0] < 0.5 * a["2"][0]


@pytest.mark.parametrize("strategy", ["B", "C"])
@pytest.mark.parametrize("own", [True, False])
def test_a_deep_loss_leaves_shallow_gems_alone_where_each_learns_by_its_own(
    images: ImageSet, tiny: Recipe, strong: Generator, weak: Generator, strategy: str, own: bool
):
    """The fault lies behind block 1: block 0 has no loss of its own, block 2 has one."""
    options = {"strategy": strategy, "positions": (0, 2), "steps": 3, "own_loss_only": own}
    gems, losses, _ = train(images, tiny, strong, weak, **options)
    untrained = make_gems(GemOptions(type=2, positions=(0, 2)), tiny)

    assert losses["0"][0] == 0
    assert losses["2"][0] > 0
    assert same(gems["0"], untrained["0"]) is own
    assert not same(gems["2"], untrained["2"])


def test_a_loss_of_its_own_is_that_of_all_the_gems_plugged_in(
    images: ImageSet, tiny: Recipe, strong: Generator, weak: Generator
):
    """Only gradients are cut: the first loss is the same number either way."""
    first = {"strategy": "C", "positions": (1, 2), "steps": 1}
    losses = [
        train(images, tiny, strong, weak, **first, own_loss_only=own)[1] for own in (True, False)
    ]
    assert losses[0] == losses[1]


def test_both_generators_stay_as_they_are(
    images: ImageSet, tiny: Recipe, strong: Generator, weak: Generator
):
    before = state(strong), state(weak)

    train(images, tiny, strong, weak, steps=2)

    for net, was in zip((strong, weak), before, strict=True):
        assert all(torch.equal(value, was[name]) for name, value in net.state_dict().items())
        assert all(p.grad is None for p in net.parameters())
