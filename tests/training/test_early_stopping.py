"""The stopping tells what collapsed or copies from what varies, keeps the best moment and ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from l2laug.artifacts.bundle import Bundle
from l2laug.config.load import parse_recipe
from l2laug.config.recipe import Recipe
from l2laug.core.arrays import Pixels
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training.early_stopping import (
    PATIENCE,
    EarlyStopping,
    TargetEvaluation,
    frechet_to_few,
    scale_latents,
)
from l2laug.training.gan_step import GeneratorWithGems
from l2laug.training.initial_weights import bundle_weights, load_gems, load_generator
from l2laug.training.target import Target, train_target

SESSION = Session(Engine(torch.device("cpu"), torch.float32), Progress(quiet=True))


@pytest.fixture
def fresh(digits: Path, support: ImageSet) -> Pixels:
    """As many other images of another class as a evaluation takes draws."""
    name = next(n for n in class_folders(digits) if n not in support.classes)
    return read_classes({name: class_folders(digits)[name]}, 32, 1).pixels


def watch_of(support: ImageSet, bundle: Bundle) -> EarlyStopping:
    initial = bundle_weights(bundle, parse_recipe(bundle.info["recipe"], "tiny"))
    return EarlyStopping(
        support,
        bundle,
        initial.classifier.add(support),
        SESSION,
        1,
        usual=initial.diversity,
    )


def test_what_is_all_alike_is_not_sound(support: ImageSet, bundle: Bundle, fresh: Pixels):
    stopping = watch_of(support, bundle)
    seen = stopping.score(np.repeat(fresh[:1], len(stopping.given), 0), 7)

    assert (seen.steps, seen.diversity, seen.acceptable) == (7, 0.0, False)


def test_copies_of_the_support_images_are_seen(support: ImageSet, bundle: Bundle):
    stopping = watch_of(support, bundle)
    seen = stopping.score(support.pixels[stopping.given], 0)

    assert seen.copies == 1.0
    assert not seen.acceptable


def test_real_images_that_were_not_shown_are_sound(bundle: Bundle, fresh: Pixels, tmp_path: Path):
    shown = ImageSet(fresh[:5], np.zeros(5, np.int64), ("digit",), (tmp_path,) * 5)
    stopping = watch_of(shown, bundle)
    seen = stopping.score(np.resize(fresh[5:], (len(stopping.given), *fresh.shape[1:])), 0)

    assert seen.copies is not None
    assert seen.copies < 0.2
    assert 0.6 < seen.diversity < 1.6


def test_one_image_alone_tells_nothing_of_copies(support: ImageSet, bundle: Bundle):
    one = support.take(np.array([0]))
    stopping = watch_of(one, bundle)

    assert stopping.score(one.pixels[stopping.given], 0).copies is None


@pytest.mark.parametrize("count", [4, 50])
def test_of_few_draws_the_right_spread_is_nearer_than_too_small_a_one(count: int):
    # Drawn as real ones are, the means of few draws scatter: that must not speak against them.
    random = np.random.default_rng(0)
    real = [random.normal(0, 1, (1, 200)) for _ in range(300)]
    apart = [2**0.5 * 200**0.5] * len(real)
    found = [
        frechet_to_few([random.normal(0, s, (count, 200)) for _ in real], real, apart)
        for s in (0.8, 1.0)
    ]
    assert found[0] == pytest.approx(0.2**2, rel=0.2)
    assert found[1] < 0.01


def evaluations(*values: tuple[float, float]) -> list[TargetEvaluation]:
    return [
        TargetEvaluation(i, distance, diversity, 0.95, 0.0)
        for i, (distance, diversity) in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("evaluation", "acceptable"),
    [
        (TargetEvaluation(0, 5.0, 0.8, 0.9, None), True),
        (TargetEvaluation(0, 5.0, 0.79, 0.9, None), False),
        (TargetEvaluation(0, 5.0, 0.8, 0.89, None), False),
        (TargetEvaluation(0, 5.0, 0.8, 0.9, 0.05), True),
        (TargetEvaluation(0, 5.0, 0.8, 0.9, 0.06), False),
    ],
)
def test_sound_is_of_its_class_varied_and_no_copy(evaluation: TargetEvaluation, acceptable: bool):
    assert evaluation.acceptable == acceptable


@pytest.mark.parametrize(
    ("script", "best"),
    [
        (
            evaluations((5, 1.2), (4, 1.0), (3, 0.5), (4.5, 1.0)),
            1,
        ),  # the nearest of the acceptable ones
        (evaluations((5, 1.0), (4.99, 1.0), (4.99, 1.0), (4.985, 1.0)), 0),  # not clearly nearer
        (evaluations((5, 1.0), (4.99, 1.0), (4.97, 1.0)), 2),
        (evaluations((5, 0.7), (3, 0.7), (4, 0.6)), 1),  # none is acceptable: the nearest
        (evaluations((5, 0.5), (9, 0.95), (3, 0.6)), 1),  # a acceptable one at last
    ],
)
def test_the_best_moment_is_the_nearest_that_still_varies(
    support: ImageSet,
    bundle: Bundle,
    tiny: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    script: list[TargetEvaluation],
    best: int,
):
    stopping = watch_of(support, bundle)
    monkeypatch.setattr(EarlyStopping, "score", lambda _, __, steps: script[steps])
    nets = GeneratorWithGems(load_generator(bundle, tiny, "strong")).eval()
    for steps in range(len(script)):
        stopping.evaluate(nets, steps)

    assert stopping.best is not None
    assert stopping.best[0].steps == best
    assert stopping.enough == (len(script) - best > 3)


def test_longer_latents_are_put_into_the_weights(bundle: Bundle, tiny: Recipe, support: ImageSet):
    one, wide = (load_generator(bundle, tiny, "strong").eval() for _ in range(2))
    scale_latents(wide, 1.5)
    given = torch.from_numpy(support.pixels[:2]).float() / 127.5 - 1
    z = torch.randn(2, tiny.generator.latent, generator=torch.Generator().manual_seed(0))

    with torch.no_grad():
        assert torch.allclose(wide(given, z), one(given, 1.5 * z), atol=1e-5)
        assert not torch.allclose(wide(given, z), one(given, z), atol=1e-5)


GAINS = (0.04, 0.06, 0.08)  # of the diversity, by longer latents


@pytest.mark.parametrize(
    ("diversity", "usual", "found", "scale"),
    [
        (0.9, 1, [(3, 1), (2, 1), (4, 1)], 1.5),  # the nearest
        (0.9, 1, [(6, 1), (7, 1), (8, 1)], 1.0),  # none is nearer than the latents as they are
        (0.9, 1, [(3, 1), (2, 0.5), (4, 1)], 1.2),  # the nearest still taken for its class
        (0.9, 0.6, [(3, 0.6), (2, 0.5), (4, 1)], 1.8),  # acceptable, which the usual ones are not
        (0.9, 0.6, [(3, 0.5), (2, 0.5), (1, 0.5)], 1.0),  # less so than they were
        (1.0, 1, [(3, 1), (2, 1), (1, 1)], 1.0),  # they vary enough
        (0.99, 1, [(3, 1), (2, 1), (1, 1)], 1.0),  # and would vary too much
        (0.97, 1, [(3, 1), (2, 1), (1, 1)], 1.2),  # but for the first
    ],
)
def test_latents_are_lengthened_where_that_is_better_still(
    support: ImageSet,
    bundle: Bundle,
    tiny: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    diversity: float,
    usual: float,
    found: list[tuple[float, float]],
    scale: float,
):
    script = [TargetEvaluation(7, 5.0, diversity, usual, None)]
    script += [
        TargetEvaluation(7, d, diversity + gain, r, None)
        for (d, r), gain in zip(found, GAINS, strict=True)
    ]
    said = iter(script)
    monkeypatch.setattr(EarlyStopping, "score", lambda *_: next(said))
    stopping = watch_of(support, bundle)
    nets = GeneratorWithGems(load_generator(bundle, tiny, "strong")).eval()
    before = nets.generator.noise[0].weight.clone()
    stopping.evaluate(nets, 7)

    assert stopping.widen() == scale
    assert stopping.best is not None
    assert stopping.best[0] == script[[1.0, 1.2, 1.5, 1.8].index(scale)]
    assert torch.allclose(stopping.best[1].generator.noise[0].weight, scale * before)
    assert torch.equal(nets.generator.noise[0].weight, before)


@pytest.mark.parametrize(
    ("distances", "class_accuracy", "strength"),
    [
        ((3, 2, 1, 2, 3), 1.0, 0.5),
        ((1, 2, 3, 4, 5), 1.0, 0.0),  # worse the stronger: none
        ((2, 2, 2, 2, 2), 1.0, 0.0),  # no better: none
        ((3, 2, 1, 0, 0), 0.5, 0.0),  # nearer, but not of the class any more
        ((0.10, 0.09, 0.09, 0.09, 0.09), 1.0, 0.0),  # nearer by less than few images can tell
    ],
)
def test_gems_are_plugged_in_at_the_strength_whose_draws_are_best(
    support: ImageSet,
    bundle: Bundle,
    tiny: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    distances: tuple[float, ...],
    class_accuracy: float,
    strength: float,
):
    # The moment itself, the same as strength 0, and then the others.
    script = [(distances[0], 1.0)] * 2 + [(d, class_accuracy) for d in distances[1:]]
    said = iter(TargetEvaluation(7, d, 1.0, right, None) for d, right in script)
    monkeypatch.setattr(EarlyStopping, "score", lambda *_: next(said))
    stopping = watch_of(support, bundle)
    stopping.evaluate(GeneratorWithGems(load_generator(bundle, tiny, "strong")).eval(), 7)
    choice = stopping.plug_in(load_gems(bundle, tiny))

    assert choice.strength == strength
    assert [e.seen.distance for e in choice.evaluations] == list(distances)
    seen, nets = stopping.found
    assert seen.distance == distances[int(strength * 4)]
    assert [gem.strength for gem in nets.gems.values()] == [strength] * 3 * bool(strength)


@pytest.mark.parametrize(("farther", "strength"), [(0.2, 0.0), (0.01, 0.25)])
def test_a_class_better_known_does_not_pay_for_draws_that_lie_farther(
    support: ImageSet,
    bundle: Bundle,
    tiny: Recipe,
    monkeypatch: pytest.MonkeyPatch,
    farther: float,
    strength: float,
):
    distances = [0.0, *[farther] * 4]
    said = iter(
        TargetEvaluation(7, d, 1.0, 0.89 if d == 0 else 0.95, None) for d in [0.0, *distances]
    )
    monkeypatch.setattr(EarlyStopping, "score", lambda *_: next(said))
    stopping = watch_of(support, bundle)
    stopping.evaluate(GeneratorWithGems(load_generator(bundle, tiny, "strong")).eval(), 7)

    assert stopping.plug_in(load_gems(bundle, tiny)).strength == strength


def train(support: ImageSet, bundle: Bundle, recipe: Recipe, **changes: object) -> Target:
    target = recipe.target.model_copy(update={"gems": False, **changes})
    chosen = recipe.model_copy(update={"target": target})
    return train_target(support, bundle, chosen, SESSION)


def test_training_ends_by_itself_and_leaves_its_best_moment(
    support: ImageSet, bundle: Bundle, tiny: Recipe, monkeypatch: pytest.MonkeyPatch
):
    script = evaluations((5, 1), (3, 1), *[(4, 1)] * 50)
    monkeypatch.setattr(
        EarlyStopping,
        "score",
        lambda _, __, steps: TargetEvaluation(steps, script[steps // 2].distance, 1.0, 1.0, 0.0),
    )
    found = train(support, bundle, tiny, steps=100, evaluate_every=2)
    two_steps = train(support, bundle, tiny, steps=2, evaluate_every=0)

    assert [evaluation.steps for evaluation in found.evaluations] == [
        2 * i for i in range(2 + PATIENCE)
    ]
    assert found.steps == 2
    assert found.kept == found.evaluations[1]
    theirs = dict(two_steps.generator.named_parameters())
    assert all(torch.equal(p, theirs[n]) for n, p in found.generator.named_parameters())


def test_with_gems_the_last_part_is_watched(
    support: ImageSet, bundle: Bundle, tiny: Recipe, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(
        EarlyStopping,
        "score",
        lambda _, __, steps: TargetEvaluation(steps, 9.0 - steps, 1.0, 1.0, None),
    )
    found = train(support, bundle, tiny, steps=3, tune_steps=2, gems=True, evaluate_every=1)

    assert [evaluation.steps for evaluation in found.evaluations] == [0, 1, 2]
    assert found.kept == found.evaluations[2]
    assert (found.steps, list(found.gems)) == (5, ["0", "1", "2"])
