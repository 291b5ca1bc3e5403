"""Every key of a training's part of the recipe reaches that training, and no other part's does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from l2laug.artifacts.bundle import open_bundle
from l2laug.config.recipe import CriticOptions, FeatureOptions, Recipe
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.nn.critic import Critic
from l2laug.nn.gem import build_gems
from l2laug.nn.generator import Generator
from l2laug.nn.prototype_classifier import load_prototype_classifier
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training import feature_net as features
from l2laug.training import gan_step, source, target
from l2laug.training import joint as base
from l2laug.training.gan_step import GanTrainer, GeneratorWithGems
from l2laug.training.gems import fit as gem_training
from l2laug.training.pairs import PairSampler

ENGINE = Engine(torch.device("cpu"), torch.float32)
SESSION = Session(ENGINE, Progress(quiet=True))
PARTS = ("source", "weak", "base", "target")


CLASS_CONSISTENCY = {"source": 1.0, "base": 3.0, "target": 4.0}
REGISTRATION = {"source": (5.0, 0.05), "base": (6.0, 0.06)}


def own(part: str) -> dict[str, Any]:
    """What a part of the recipe says, in these keys something else than any other part."""
    i = PARTS.index(part) + 1
    return {
        "steps": i,
        "batch": 2 * i + 2,
        "learning_rate": i * 1e-4,
        "critic_learning_rate": i * 2e-4,
        "betas": (0.1 * i, 0.9 + 0.01 * i),
        "critic_steps": i,
        "penalty": 0.5 * i,
        "penalty_every": i,
        "average": 0.9 + 0.01 * i,
        "decay_from": 0.2 * i,
    }


class Trainings:
    """What the adversarial trainings and pair samplers of a phase were made with."""

    def __init__(self) -> None:
        self.made: list[GanTrainer] = []
        self.jitters: list[float] = []


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    found = Trainings()

    class Watched(GanTrainer):
        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            found.made.append(self)

        def step(self, _: PairSampler) -> dict[str, float]:
            self.done += 1
            return {}

    def sampler(*given: Any, **more: Any) -> PairSampler:
        found.jitters.append(more.get("jitter", 0.0))
        return PairSampler(*given, **more)

    for module in (source, base, target):
        monkeypatch.setattr(module, "GanTrainer", Watched)
        monkeypatch.setattr(module, "PairSampler", sampler)
    return found


@pytest.fixture
def images(digits: Path) -> ImageSet:
    return read_classes(class_folders(digits), 32, 1)


@pytest.fixture
def different(tiny: Recipe) -> Recipe:
    """A recipe whose parts differ in every key that they have in base."""
    plain = tiny.model_dump(mode="json")
    plain["generator"]["warp"] = 0.25
    for part in PARTS:
        plain[part] |= own(part)
    for part, weight in CLASS_CONSISTENCY.items():
        plain[part]["class_consistency"] = weight
    for part, (weight, kl_weight) in REGISTRATION.items():
        plain[part] |= {"registration": weight, "kl_weight": kl_weight}
    plain["target"] |= {"gems": False, "jitter": 0.5}
    return Recipe.model_validate(plain)


def run(part: str, recipe: Recipe, images: ImageSet, bundle_path: Path, folder: Path) -> None:
    """Train one part of a recipe."""
    bundle = open_bundle(bundle_path)
    classifier = load_prototype_classifier(
        bundle.file("prototype_classifier.safetensors"), recipe, 8
    )
    rare = images.of(["3"])
    if part == "source":
        source.train_strong(
            images,
            rare,
            recipe,
            SESSION,
            folder,
            classifier=classifier.add(images),
        )
    elif part == "weak":
        options = recipe.source
        nets = GeneratorWithGems(Generator(recipe.generator))
        critic = Critic(recipe.critic, recipe.generator)
        strong = GanTrainer(nets, critic, options, SESSION)
        list(source.train_weak(images, strong, recipe, SESSION))
    else:
        initial = target.InitialWeights(
            Generator(recipe.generator),
            Critic(recipe.critic, recipe.generator),
            classifier,
            9.0,
            0.5,
        )
        if part == "target":
            target.train_target(rare, bundle, recipe, SESSION, initial=initial)
            return
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(base, "bundle_weights", lambda *_: initial)
            others = images.of(["1", "2"])
            base.train_jointly([rare], others, bundle, recipe, SESSION)


@pytest.mark.parametrize("part", PARTS)
def test_a_training_is_made_of_its_own_part(
    part: str,
    seen: Trainings,
    different: Recipe,
    images: ImageSet,
    tiny_bundle: Path,
    tmp_path: Path,
):
    run(part, different, images, tiny_bundle, tmp_path)

    trainer, wanted = seen.made[-1], own(part)
    assert {key: getattr(trainer.options, key) for key in wanted} == wanted
    assert trainer.done == wanted["steps"]
    assert trainer.class_consistency == CLASS_CONSISTENCY.get(part, 0.0)
    asked = trainer.registration and (trainer.registration.weight, trainer.registration.kl_weight)
    assert asked == REGISTRATION.get(part)
    assert seen.jitters[-1] == (0.5 if part == "target" else 0.0)


@pytest.mark.parametrize("part", ["weak", "target"])
@pytest.mark.parametrize("train_norm", [True, False])
def test_batch_norm_learns_from_few_images_where_the_recipe_says_so(
    part: str,
    train_norm: bool,
    seen: Trainings,
    different: Recipe,
    images: ImageSet,
    tiny_bundle: Path,
    tmp_path: Path,
):
    options = getattr(different, part).model_copy(update={"train_norm": train_norm})
    run(part, different.model_copy(update={part: options}), images, tiny_bundle, tmp_path)

    assert seen.made[-1].train_norm is train_norm


def test_both_optimisers_have_the_betas_of_the_recipe(different: Recipe):
    nets = GeneratorWithGems(Generator(different.generator))
    critic = Critic(different.critic, different.generator)
    trainer = GanTrainer(nets, critic, different.base, SESSION)

    for optimiser in (trainer.g_optimiser, trainer.d_optimiser):
        assert [group["betas"] for group in optimiser.param_groups] == [different.base.betas]


@pytest.mark.parametrize(
    ("key", "part"),
    [("class_consistency", "class_consistency"), ("registration", "apart"), ("kl_weight", "kl")],
)
def test_a_weight_scales_its_part_of_the_generators_loss(
    key: str, part: str, different: Recipe, images: ImageSet, monkeypatch: pytest.MonkeyPatch
):
    """With everything else at zero the loss is the weight times what is told of the part."""
    backed: list[float] = []
    monkeypatch.setattr(gan_step, "generator_loss", lambda score: 0 * score.sum())
    weights = {"class_consistency": 0.0, "registration": 1e-9, "kl_weight": 0.0} | {key: 2.0}
    options = different.source.model_copy(update=weights)
    generator = Generator(different.generator)
    trainer = GanTrainer(
        GeneratorWithGems(generator),
        Critic(different.critic, different.generator),
        options,
        SESSION,
        classifier=_prototype_classifier(images),
        registration=gan_step.Registration.of(options, different),
    )
    backward = torch.Tensor.backward

    def watched(loss: torch.Tensor, *given: Any, **more: Any) -> None:
        backed.append(loss.item())
        backward(loss, *given, **more)

    monkeypatch.setattr(torch.Tensor, "backward", watched)
    losses = trainer.step(PairSampler(images, ENGINE.device, 0))

    assert losses[part] > 0
    assert backed[-1] == pytest.approx(2 * losses[part].item(), rel=1e-5)


def _prototype_classifier(images: ImageSet) -> Any:
    from l2laug.nn.feature_net import FeatureNet
    from l2laug.nn.prototype_classifier import PrototypeClassifier

    torch.manual_seed(0)
    return PrototypeClassifier(
        FeatureNet(1, 4, len(images.classes)).eval(), len(images.classes)
    ).learn(images)


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_gems_learn_by_the_norm_of_the_recipe(
    norm: str, tiny: Recipe, images: ImageSet, monkeypatch: pytest.MonkeyPatch
):
    told: set[str] = set()
    loss = gem_training.feature_loss

    def watched(ours: torch.Tensor, theirs: torch.Tensor, kind: str) -> torch.Tensor:
        told.add(kind)
        return loss(ours, theirs, kind)

    monkeypatch.setattr(gem_training, "feature_loss", watched)
    options = tiny.gems.model_copy(update={"norm": norm})
    nets = Generator(tiny.generator), Generator(tiny.generator)
    pairs = PairSampler(images, ENGINE.device, 0)
    gems = build_gems(options, tiny.generator)
    gem_training.train_gems(gems, *nets, pairs, options, SESSION)

    assert told == {norm}


def test_the_critic_grows_to_the_width_of_the_recipe_and_no_further(tiny: Recipe):
    def widths(most: int) -> list[int]:
        critic = Critic(CriticOptions(width=4, max_width=most, group=2), tiny.generator)
        return [m.out_channels for m in critic.body.modules() if isinstance(m, nn.Conv2d)]

    assert max(widths(8)) == 8
    assert max(widths(16)) == 16
    assert max(widths(64)) == 4 * 2**3  # three halvings, from 32 pixels to 4


def test_the_feature_net_learns_at_the_rate_of_the_recipe(
    images: ImageSet, monkeypatch: pytest.MonkeyPatch
):
    rates: list[float] = []
    adam = torch.optim.AdamW

    def watched(parameters: Any, rate: float, **more: Any) -> torch.optim.Optimizer:
        rates.append(rate)
        return adam(parameters, rate, **more)

    monkeypatch.setattr(torch.optim, "AdamW", watched)
    options = FeatureOptions(width=4, steps=2, batch=4, learning_rate=7e-4)
    features.train_features(images, options, SESSION)

    assert rates == [7e-4]


def test_the_strong_generators_statistics_are_settled_at_the_end(
    tiny: Recipe, images: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    settled: list[Callable[..., Any]] = []
    monkeypatch.setattr(source, "settle_norm", lambda net, *_: settled.append(net))
    trainer = source.train_strong(images, images.of(["3"]), tiny, SESSION, tmp_path)

    assert settled == [trainer.average]
    assert np.isfinite([p.sum().item() for p in trainer.average.parameters()]).all()
