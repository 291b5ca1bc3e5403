"""Target training: where it starts, with GEMs and without, and when it stops."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from l2laug.artifacts.bundle import Bundle
from l2laug.config.recipe import Recipe, TargetOptions
from l2laug.core.progress import Progress
from l2laug.data.image_set import ImageSet
from l2laug.nn.generator import Generator
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training.early_stopping import EarlyStopping, TargetEvaluation
from l2laug.training.initial_weights import load_gems, load_generator
from l2laug.training.target import Target, plain, train_target

SESSION = Session(Engine(torch.device("cpu"), torch.float32), Progress(quiet=True))


def train(
    support: ImageSet,
    bundle: Bundle,
    recipe: Recipe,
    seconds: float | None = None,
    **changes: object,
) -> Target:
    target = recipe.target.model_copy(update=changes)
    chosen = recipe.model_copy(update={"target": target})
    return train_target(support, bundle, chosen, SESSION, seconds=seconds)


def same_weights(one: Generator, other: Generator) -> bool:
    theirs = dict(other.named_parameters())
    return all(torch.equal(p, theirs[n]) for n, p in one.named_parameters())


@pytest.mark.parametrize("start", ["strong", "weak"])
def test_it_starts_from_the_named_generator_of_the_bundle(
    support: ImageSet, bundle: Bundle, tiny: Recipe, start: str
):
    target = train(support, bundle, tiny, start=start, steps=0, gems=False)

    assert same_weights(target.generator, load_generator(bundle, tiny, start))
    assert target.steps == 0


def test_strong_and_weak_generators_of_a_bundle_differ(bundle: Bundle, tiny: Recipe):
    strong, weak = (load_generator(bundle, tiny, which) for which in ("strong", "weak"))

    assert not same_weights(strong, weak)


def test_a_random_start_owes_nothing_to_the_bundle_and_learns_its_own_statistics(
    support: ImageSet, bundle: Bundle, tiny: Recipe
):
    target = train(support, bundle, tiny, start="random", steps=2, gems=False)

    assert not same_weights(target.generator, load_generator(bundle, tiny, "strong"))
    # Batch norm starts with a mean of 0, which stays only if no statistics are learned.
    assert target.generator.stem[1].running_mean.abs().max() > 1e-4


def test_a_start_from_the_bundle_keeps_its_statistics(
    support: ImageSet, bundle: Bundle, tiny: Recipe
):
    target = train(support, bundle, tiny)
    kept = load_generator(bundle, tiny, "strong").stem[1].running_mean

    assert torch.equal(target.generator.stem[1].running_mean, kept)
    assert not same_weights(target.generator, load_generator(bundle, tiny, "strong"))


@pytest.mark.parametrize(("gems", "names", "steps"), [(True, ["0", "1", "2"], 7), (False, [], 5)])
def test_gems_are_plugged_in_for_the_second_part_if_the_recipe_says_so(
    support: ImageSet, bundle: Bundle, tiny: Recipe, gems: bool, names: list[str], steps: int
):
    target = train(support, bundle, tiny, gems=gems, steps=5, tune_steps=2)

    assert list(target.gems) == names
    assert target.steps == steps


def test_what_comes_back_is_ready_to_draw(support: ImageSet, bundle: Bundle, tiny: Recipe):
    target = train(support, bundle, tiny)

    assert not target.generator.training
    assert not target.gems.training
    assert not any(p.requires_grad for p in target.generator.parameters())


def test_the_seed_decides(support: ImageSet, bundle: Bundle, tiny: Recipe):
    recipe = tiny.model_copy(
        update={"target": tiny.target.model_copy(update={"gems": False, "jitter": 1.0})}
    )
    one, again, other = (
        train_target(support, bundle, recipe, SESSION.seeded(s)).generator for s in (1, 1, 2)
    )

    assert same_weights(one, again)
    assert not same_weights(one, other)


def test_a_budget_of_seconds_cuts_both_parts_short(support: ImageSet, bundle: Bundle, tiny: Recipe):
    target = train(support, bundle, tiny, seconds=0.6, steps=100_000, tune_steps=100_000)

    assert 0 < target.steps < 100_000
    assert list(target.gems) == ["0", "1", "2"]


def test_plain_takes_as_many_steps_without_gems():
    control = plain(TargetOptions(steps=40, tune_steps=25, learning_rate=3e-4))

    assert (control.gems, control.steps, control.learning_rate) == (False, 65, 3e-4)


@pytest.mark.parametrize(
    ("train_part", "learned"),
    [
        ("all", {"stem", "encoder", "noise", "decoder", "head"}),
        ("decoder", {"noise", "decoder", "head"}),
        ("head", {"head"}),
    ],
)
def test_only_the_layers_that_the_recipe_names_learn(
    support: ImageSet, bundle: Bundle, tiny: Recipe, train_part: str, learned: set[str]
):
    target = train(support, bundle, tiny, train=train_part, steps=2, gems=False)
    before = dict(load_generator(bundle, tiny, "strong").named_parameters())
    after = target.generator.named_parameters()

    changed = {name.split(".")[0] for name, p in after if not torch.equal(p, before[name])}
    assert changed == learned


@pytest.mark.parametrize("gems", [False, True])
def test_tuning_the_gems_alone_leaves_the_generator_as_it_is(
    support: ImageSet, bundle: Bundle, tiny: Recipe, gems: bool
):
    target = train(support, bundle, tiny, train="gems", steps=2, gems=gems)
    before = load_gems(bundle, tiny)

    assert same_weights(target.generator, load_generator(bundle, tiny, "strong"))
    assert list(target.gems) == ["0", "1", "2"]
    moved = [
        float((p - q).detach().abs().max())
        for p, q in zip(target.gems.parameters(), before.parameters(), strict=True)
    ]
    assert max(moved) > 0


@pytest.fixture
def domain_bundle(bundle: Bundle) -> Bundle:
    """The tiny bundle, had its GEMs learned from domain episodes."""
    recipe = bundle.info["recipe"]
    gems = recipe["gems"] | {"episodes": "domain"}
    return replace(bundle, info=bundle.info | {"recipe": recipe | {"gems": gems}})


def test_gems_of_domain_episodes_are_tried_at_every_strength(
    support: ImageSet, domain_bundle: Bundle, tiny: Recipe
):
    target = train(support, domain_bundle, tiny, gems=False)

    assert target.gem_choice is not None
    tried = {e.strength: e.seen for e in target.gem_choice.evaluations}
    assert list(tried) == [0.0, 0.25, 0.5, 0.75, 1.0]
    taken = target.gem_choice.strength
    assert tried[taken].acceptable >= tried[0.0].acceptable
    assert [gem.strength for gem in target.gems.values()] == [taken] * 3 * bool(taken)


def test_a_strength_of_0_is_what_plain_tuning_makes(
    support: ImageSet, domain_bundle: Bundle, tiny: Recipe, monkeypatch: pytest.MonkeyPatch
):
    scores = iter(range(100))  # each worse than the one before
    monkeypatch.setattr(
        EarlyStopping,
        "score",
        lambda _, __, steps: TargetEvaluation(steps, next(scores), 1.0, 1.0, None),
    )
    target = train(support, domain_bundle, tiny, gems=False)
    without = train(support, domain_bundle, tiny, gems=False, gem_strength=False)

    assert without.gem_choice is None
    assert target.gem_choice is not None
    assert target.gem_choice.strength == 0
    assert not target.gems
    assert same_weights(target.generator, without.generator)


@pytest.mark.parametrize(("gems", "strength"), [(True, 1.0), (False, None)])
def test_gems_of_source_classes_are_used_in_full_or_not_at_all(
    support: ImageSet, bundle: Bundle, tiny: Recipe, gems: bool, strength: float | None
):
    choice = train(support, bundle, tiny, gems=gems).gem_choice

    assert (choice and choice.strength) == strength


def test_the_control_of_tuned_gems_tunes_all():
    control = plain(TargetOptions(steps=40, gems=False, train="gems"))

    assert (control.train, control.gem_strength, control.steps) == ("all", False, 40)
