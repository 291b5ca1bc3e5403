"""Domain episodes: what each is tuned on, going on after a stop, and what GEMs learn from them."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from l2laug.artifacts.bundle import Bundle, open_bundle
from l2laug.config.recipe import Recipe
from l2laug.core.errors import RecipeError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.nn.gem import build_gems
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training.gems import episodes as domain_episodes
from l2laug.training.gems import on_domains
from l2laug.training.gems.episodes import Episode, Start, make_episodes
from l2laug.training.gems.on_domains import distance_left, train_on_domains
from l2laug.training.initial_weights import bundle_weights

SESSION = Session(Engine(torch.device("cpu"), torch.float32), Progress(quiet=True))


@pytest.fixture
def bundle(tiny_bundle: Path) -> Bundle:
    return open_bundle(tiny_bundle)


@pytest.fixture
def recipe(tiny: Recipe) -> Recipe:
    domains = tiny.domains.model_copy(
        update={"count": 2, "held_out": 1, "classes": 3, "few_steps": 1, "many_steps": 2}
    )
    gems = tiny.gems.model_copy(update={"episodes": "domain"})
    return tiny.model_copy(update={"domains": domains, "gems": gems})


@pytest.fixture
def sets(digits: Path) -> tuple[ImageSet, ImageSet]:
    images = read_classes(class_folders(digits), 32, 1)
    return images.of(images.classes[:6]), images.of(images.classes[6:])


@pytest.fixture
def start(bundle: Bundle, recipe: Recipe) -> Start:
    found = bundle_weights(bundle, recipe)
    return Start(found.generator, found.critic, found.classifier)


def test_each_episode_tunes_the_strong_generator_on_few_and_on_many(
    sets: tuple[ImageSet, ImageSet], start: Start, recipe: Recipe, tmp_path: Path
):
    learned, held_out = make_episodes(*sets, start, recipe, SESSION, tmp_path)

    assert (len(learned), len(held_out)) == (2, 1)
    for episode in learned + held_out:
        shown = {p.tobytes() for p in episode.shown.pixels}
        assert {p.tobytes() for p in episode.few.pixels} < shown
        assert 2 <= len(episode.few.pixels) <= 10
        assert len(shown) == 12
        weights = load_file(episode.file)
        first = start.generator.state_dict()["head.0.weight"]
        few, many = (weights[f"{name}.head.0.weight"] for name in ("few", "many"))
        assert not torch.equal(few, first)
        assert not torch.equal(many, first)
        assert not torch.equal(few, many)
    assert set(learned[0].shown.classes + learned[1].shown.classes) <= set(sets[0].classes)
    assert set(held_out[0].shown.classes) <= set(sets[1].classes)


def test_what_a_stop_left_is_not_made_again(
    sets: tuple[ImageSet, ImageSet],
    start: Start,
    recipe: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    trained = list[int]()
    train = domain_episodes._tuned

    def counted(*args: object) -> object:
        if len(trained) == 3:  # in the middle of the second episode
            raise RecipeError("cut off", "")
        trained.append(1)
        return train(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(domain_episodes, "_tuned", counted)
    with pytest.raises(RecipeError, match="cut off"):
        make_episodes(*sets, start, recipe, SESSION, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["learned-000.safetensors"]
    before = (tmp_path / "learned-000.safetensors").stat().st_mtime_ns
    monkeypatch.setattr(domain_episodes, "_tuned", train)
    make_episodes(*sets, start, recipe, SESSION, tmp_path)

    assert len(list(tmp_path.iterdir())) == 3
    assert (tmp_path / "learned-000.safetensors").stat().st_mtime_ns == before


@pytest.fixture
def faulty(sets: tuple[ImageSet, ImageSet], start: Start, tmp_path: Path) -> Episode:
    """An episode whose weak generator is the strong one with the map of block 1 shifted."""
    weak = copy.deepcopy(start.generator)
    nn.init.constant_(weak.decoder[1].norm2.bias, 0.5)
    parts = {"many": start.generator, "few": weak}
    weights = {f"{n}.{k}": v.clone() for n, g in parts.items() for k, v in g.state_dict().items()}
    save_file(weights, tmp_path / "faulty.safetensors")
    return Episode(sets[0], sets[0], tmp_path / "faulty.safetensors")


def test_gems_that_are_the_identity_leave_all_of_the_distance(faulty: Episode, recipe: Recipe):
    gems = build_gems(recipe.gems.model_copy(update={"positions": (1, 2)}), recipe.generator)

    assert distance_left(gems, [faulty], recipe, SESSION) == {"1": 1.0, "2": 1.0}


def test_gems_that_learned_from_episodes_go_part_of_the_way(
    faulty: Episode,
    sets: tuple[ImageSet, ImageSet],
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(on_domains, "make_episodes", lambda *_: ([faulty], [faulty]))
    options = recipe.gems.model_copy(update={"positions": (1,), "steps": 60, "type": 2})
    recipe = recipe.model_copy(update={"gems": options})
    torch.manual_seed(0)
    gems = build_gems(options, recipe.generator)
    start = Start(nn.Identity(), nn.Identity(), nn.Identity())  # type: ignore[arg-type]
    found = train_on_domains(gems, sets, start, recipe, SESSION, faulty.file.parent)

    before, after = found.losses["1"]
    assert after < 0.75 * before
    assert found.distance_left["1"] < 0.75


def test_without_positions_nothing_is_made(
    sets: tuple[ImageSet, ImageSet], start: Start, recipe: Recipe, tmp_path: Path
):
    found = train_on_domains(nn.ModuleDict(), sets, start, recipe, SESSION, tmp_path)

    assert (found.losses, found.distance_left) == ({}, {})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("grows", [1.0, 1e6])
def test_a_start_that_meta_learning_drove_away_is_rejected(
    faulty: Episode,
    sets: tuple[ImageSet, ImageSet],
    recipe: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    grows: float,
):
    @torch.no_grad()
    def learned(gems: nn.ModuleDict, *_: object) -> None:
        for parameter in gems.parameters():
            parameter.mul_(grows)

    monkeypatch.setattr(on_domains, "make_episodes", lambda *_: ([faulty], [faulty]))
    monkeypatch.setattr(on_domains, "learn_start", learned)
    options = {"positions": (1,), "steps": 2, "type": 2, "meta_rounds": 1}
    recipe = recipe.model_copy(update={"gems": recipe.gems.model_copy(update=options)})
    start = Start(nn.Identity(), nn.Identity(), nn.Identity())  # type: ignore[arg-type]
    torch.manual_seed(0)
    gems = build_gems(recipe.gems, recipe.generator)

    def train() -> object:
        return train_on_domains(gems, sets, start, recipe, SESSION, faulty.file.parent)

    if grows == 1:
        assert train()
    else:
        with pytest.raises(RecipeError, match="diverged in meta-learning"):
            train()
