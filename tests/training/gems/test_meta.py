"""A start for GEMs that are tuned alone: which way it moves, and what it leaves as it is."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from l2laug.artifacts.bundle import open_bundle
from l2laug.config.recipe import Recipe
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import read_classes
from l2laug.nn.gem import build_gems
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training.gems import meta
from l2laug.training.gems.episodes import Episode, Start
from l2laug.training.initial_weights import bundle_weights

SESSION = Session(Engine(torch.device("cpu"), torch.float32), Progress(quiet=True))


@pytest.fixture
def episode(digits: Path) -> Episode:
    images = read_classes(class_folders(digits), 32, 1)
    shown = images.of(images.classes[:1])
    return Episode(shown, shown.take(range(3)), Path("never read"))


def with_gems(tiny: Recipe, **changed: object) -> Recipe:
    return tiny.model_copy(update={"gems": tiny.gems.model_copy(update=changed)})


def test_the_start_moves_by_a_share_of_what_all_images_ask_for(
    episode: Episode, tiny: Recipe, monkeypatch: pytest.MonkeyPatch
):
    recipe = with_gems(tiny, meta_rounds=2, meta_rate=0.5)
    gems = nn.ModuleDict({"0": nn.Linear(1, 1, bias=False)})
    nn.init.constant_(gems["0"].weight, 1.0)
    seen = []

    def tuned(start: nn.ModuleDict, *_: object) -> tuple[nn.ModuleDict, nn.ModuleDict]:
        seen.append(start["0"].weight.item())
        found = copy.deepcopy(start), copy.deepcopy(start)
        nn.init.constant_(found[0]["0"].weight, 7.0)
        nn.init.constant_(found[1]["0"].weight, 9.0)
        return found

    monkeypatch.setattr(meta, "_tuned", tuned)
    meta.learn_start(gems, [episode], Start(None, None, None), recipe, SESSION)  # type: ignore[arg-type]

    assert seen == [1.0, 2.0]  # half of 9 - 7, and then, the rate falling to 0, a quarter
    assert gems["0"].weight.item() == 2.5


def test_gems_alone_are_tuned_and_the_same_seed_gives_the_same_start(
    tiny_bundle: Path, episode: Episode, tiny: Recipe
):
    recipe = with_gems(tiny, meta_rounds=1, meta_steps=2, positions=(0, 1))
    found = bundle_weights(open_bundle(tiny_bundle), recipe)
    start = Start(found.generator, found.critic, found.classifier)
    kept = copy.deepcopy(start.generator.state_dict())
    torch.manual_seed(0)
    first = build_gems(recipe.gems, recipe.generator)
    gems, again = copy.deepcopy(first), copy.deepcopy(first)
    for one in (gems, again):
        meta.learn_start(one, [episode], start, recipe, SESSION)

    assert not torch.equal(next(gems.parameters()), next(first.parameters()))
    for one, other in zip(gems.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)
    for name, value in start.generator.state_dict().items():
        assert torch.equal(value, kept[name]), name
