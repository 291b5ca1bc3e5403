"""One adversarial training: rates, averages, frozen statistics, going on where it stopped."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from l2laug.config.recipe import ClassConsistencyOptions, Recipe
from l2laug.core.errors import RecipeError
from l2laug.core.progress import Progress
from l2laug.data.folders import class_folders
from l2laug.data.image_set import ImageSet, read_classes
from l2laug.nn.critic import Critic
from l2laug.nn.feature_net import FeatureNet
from l2laug.nn.gem import build_gems
from l2laug.nn.generator import Generator
from l2laug.nn.pair_encoder import PairEncoder
from l2laug.nn.prototype_classifier import PrototypeClassifier
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training import gan_step
from l2laug.training.gan_step import GanTrainer, GeneratorWithGems, settle_norm
from l2laug.training.loop import Phase
from l2laug.training.pairs import PairSampler
from l2laug.training.registration import Registration
from l2laug.training.steps import adversarial

ENGINE = Engine(torch.device("cpu"), torch.float32)
SESSION = Session(ENGINE, Progress(quiet=True))
WGAN = {"loss": "wgan", "critic_steps": 2, "penalty": 10.0, "penalty_every": 1}


@pytest.fixture(scope="module")
def images(digits: Path) -> ImageSet:
    return read_classes(class_folders(digits), 32, 1)


def make(
    tiny: Recipe,
    *,
    train_norm: bool = True,
    classifier: PrototypeClassifier | None = None,
    class_consistency: float = 0.0,
    registration: float = 0.0,
    **options: Any,
) -> GanTrainer:
    torch.manual_seed(0)
    if registration:
        warping = tiny.generator.model_copy(update={"warp": 0.25})
        tiny = tiny.model_copy(update={"generator": warping})
        encoder = PairEncoder(tiny.critic, tiny.generator)
    changes = {"penalty_every": 2, "class_consistency": class_consistency} | options
    return GanTrainer(
        GeneratorWithGems(Generator(tiny.generator), build_gems(tiny.gems, tiny.generator)),
        Critic(tiny.critic, tiny.generator),
        ClassConsistencyOptions(steps=10, batch=4).model_copy(update=changes),
        SESSION,
        classifier=classifier,
        registration=Registration(encoder, registration, 0.01) if registration else None,
        train_norm=train_norm,
    )


def weights(trainer: GanTrainer) -> dict[str, Tensor]:
    parts = {"nets": trainer.nets, "averaged": trainer.averaged, "critic": trainer.critic}
    return {f"{p}.{n}": v.clone() for p, net in parts.items() for n, v in net.state_dict().items()}


def statistics(trainer: GanTrainer) -> dict[str, Tensor]:
    return {n: v for n, v in weights(trainer).items() if "running" in n or "num_batches" in n}


@pytest.mark.parametrize(
    "loss", [{}, WGAN, {"registration": 5.0}], ids=["hinge", "wgan", "registration"]
)
def test_a_resumed_training_ends_with_the_weights_of_an_uninterrupted_one(
    tiny: Recipe, images: ImageSet, loss: dict[str, Any]
):
    whole, pairs = make(tiny, **loss), PairSampler(images, ENGINE.device, 0)
    file = io.BytesIO()
    for step in range(5):
        whole.step(pairs)
        if step == 2:
            torch.save(whole.state_dict(), file)
            drawn = pairs.drawn

    torch.manual_seed(99)
    resumed, pairs = make(tiny, **loss), PairSampler(images, ENGINE.device, 0)
    torch.manual_seed(99)  # a new process has another global state
    file.seek(0)
    resumed.load_state_dict(torch.load(file, weights_only=True))
    pairs.drawn = drawn
    for _ in range(2):
        resumed.step(pairs)

    assert resumed.done == 5
    ours, theirs = weights(resumed), weights(whole)
    assert [name for name in theirs if not torch.equal(ours[name], theirs[name])] == []


def test_generator_gems_and_critic_all_learn(tiny: Recipe, images: ImageSet):
    trainer, pairs = make(tiny), PairSampler(images, ENGINE.device, 0)
    before = weights(trainer)

    for _ in range(2):
        trainer.step(pairs)

    after = weights(trainer)
    parts = {
        name: any(not torch.equal(before[n], after[n]) for n in before if n.startswith(name))
        for name in ("nets.generator.", "nets.gems.0.", "nets.gems.2.", "critic.", "averaged.")
    }
    assert all(parts.values()), parts


@pytest.mark.parametrize(("critic_steps", "draws"), [(1, 3), (5, 15)])
def test_the_critic_sees_new_pairs_at_each_of_its_steps(
    tiny: Recipe, images: ImageSet, critic_steps: int, draws: int
):
    trainer = make(tiny, critic_steps=critic_steps)
    pairs = PairSampler(images, ENGINE.device, 0)

    for _ in range(3):
        trainer.step(pairs)

    assert pairs.drawn == draws


def test_the_penalty_is_taken_every_so_many_steps(tiny: Recipe, images: ImageSet):
    trainer, pairs = make(tiny, penalty_every=3), PairSampler(images, ENGINE.device, 0)

    assert ["penalty" in trainer.step(pairs) for _ in range(5)] == [
        True,
        False,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("train_norm", [True, False])
def test_statistics_of_batch_norm_stay_unless_they_are_to_learn(
    tiny: Recipe, images: ImageSet, train_norm: bool
):
    trainer = make(tiny, train_norm=train_norm)
    before = statistics(trainer)

    trainer.step(PairSampler(images, ENGINE.device, 0))

    after = statistics(trainer)
    assert before
    assert all(not torch.equal(before[n], after[n]) for n in before) is train_norm
    assert all(torch.equal(before[n], after[n]) for n in before) is not train_norm


def test_rates_fall_with_the_time_of_a_training_that_is_limited_by_it(
    tiny: Recipe, monkeypatch: pytest.MonkeyPatch
):
    trainer = make(tiny, steps=10**6, decay_from=0.5, learning_rate=1e-3)
    now = iter([100.0, 105.0, 130.0, 140.0, 150.0])
    monkeypatch.setattr(adversarial.time, "monotonic", lambda: next(now))
    trainer.limit_time(100.0, 50.0)  # of 100 seconds half are spent: it ends at 150

    rates = []
    for _ in range(4):
        trainer.set_rate()
        rates.append(trainer.g_optimiser.param_groups[0]["lr"] * 1e3)

    assert rates == pytest.approx([0.9, 0.4, 0.2, 0.0])


def test_rates_stay_and_then_fall_to_zero_in_a_line(tiny: Recipe, images: ImageSet):
    trainer = make(tiny, steps=10, decay_from=0.5, learning_rate=1e-3, critic_learning_rate=2e-3)
    pairs = PairSampler(images, ENGINE.device, 0)
    rates = []
    for _ in range(11):
        trainer.step(pairs)
        rates.append(
            [o.param_groups[0]["lr"] * 1e3 for o in (trainer.g_optimiser, trainer.d_optimiser)]
        )

    shares = [1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0]
    assert [g for g, _ in rates] == pytest.approx(shares)
    assert [d for _, d in rates] == pytest.approx([2 * s for s in shares])


def test_the_average_lies_between_the_first_weights_and_the_last(tiny: Recipe, images: ImageSet):
    trainer = make(tiny, average=0.999)
    first = {n: p.clone() for n, p in trainer.averaged.named_parameters()}

    trainer.step(PairSampler(images, ENGINE.device, 0))

    last = dict(trainer.nets.named_parameters())
    for name, mean in trainer.averaged.named_parameters():
        low, high = torch.minimum(first[name], last[name]), torch.maximum(first[name], last[name])
        assert (mean >= low - 1e-7).all(), name
        assert (mean <= high + 1e-7).all(), name
    stem = "generator.stem.0.weight"
    assert not torch.equal(trainer.averaged.get_parameter(stem), first[stem])
    assert not torch.equal(trainer.averaged.get_parameter(stem), last[stem])


def test_an_average_without_memory_is_the_last_weights(tiny: Recipe, images: ImageSet):
    trainer, pairs = make(tiny, average=0.0), PairSampler(images, ENGINE.device, 0)

    for _ in range(2):
        trainer.step(pairs)

    last = trainer.nets.state_dict()
    assert all(torch.equal(v, last[n]) for n, v in trainer.averaged.state_dict().items())


def test_settling_measures_the_statistics_of_what_a_layer_is_fed(tiny: Recipe, images: ImageSet):
    torch.manual_seed(0)
    generator = Generator(tiny.generator).eval()
    one = images.of(["3"]).take(np.array([0]))
    x = torch.from_numpy(one.pixels).float() / 127.5 - 1

    settle_norm(generator, PairSampler(one, ENGINE.device, 0), SESSION)

    # Every batch is the one image over and over: its own mean and variance come out.
    fed = generator.stem[0](x)
    norm = generator.stem[1]
    assert torch.allclose(norm.running_mean, fed.mean((0, 2, 3)), atol=1e-5)
    assert torch.allclose(norm.running_var, fed.var((0, 2, 3), unbiased=False), rtol=1e-3)
    assert norm.momentum == 0.1
    assert not generator.training


def test_the_classifier_teaches_the_generator_alone_and_stays_as_it_is(
    tiny: Recipe, images: ImageSet
):
    def trained(class_consistency: float) -> GanTrainer:
        torch.manual_seed(3)
        classifier = PrototypeClassifier(FeatureNet(1, 4, 10), 10).learn(images)
        trainer = make(tiny, classifier=classifier, class_consistency=class_consistency)
        trainer.step(PairSampler(images, ENGINE.device, 0))
        return trainer

    without, classified = trained(0.0), trained(1.0)

    ours, theirs = weights(classified), weights(without)
    differ = {n.split(".")[0] for n in ours if not torch.equal(ours[n], theirs[n])}
    assert differ == {"nets", "averaged"}
    assert classified.classifier is not None
    assert without.classifier is not None
    assert torch.equal(classified.classifier.prototypes, without.classifier.prototypes)
    assert all(p.grad is None for p in classified.classifier.parameters())


def test_a_training_that_diverges_says_so(tiny: Recipe, images: ImageSet):
    trainer = make(tiny, learning_rate=1e30, critic_learning_rate=1e30)
    pairs = PairSampler(images, ENGINE.device, 0)

    with pytest.raises(RecipeError, match="diverged by step"):
        trainer.train(pairs, Phase("source", "", 10))


class Waits(TorchDispatchMode):
    """Counts how often a value is asked for, which on a GPU waits for all that is still at work."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


def test_no_step_waits_for_its_losses(
    tiny: Recipe, images: ImageSet, monkeypatch: pytest.MonkeyPatch
):
    classifier = PrototypeClassifier(FeatureNet(1, 4, 10), 10).learn(images)
    trainer = make(tiny, classifier=classifier, class_consistency=1.0, registration=1.0)
    pairs = PairSampler(images, ENGINE.device, 0)

    for optimiser in (trainer.g_optimiser, trainer.d_optimiser):
        # Adam asks for its number of steps, which lies on the CPU.
        monkeypatch.setattr(optimiser, "step", lambda: None)

    with Waits() as waits:
        losses = trainer.step(pairs)
        assert waits.count == 0
        losses["critic"].item()
        assert waits.count == 1  # what is counted is what .item() does
    assert len(losses) == 8


def test_a_penalty_weighs_as_much_however_seldom_it_is_taken(
    tiny: Recipe, images: ImageSet, monkeypatch: pytest.MonkeyPatch
):
    """The critic's loss is backed by penalty * penalty_every * its value, and only then."""
    found = []
    monkeypatch.setattr(gan_step, "critic_loss", lambda real, *_: 0 * real.sum())
    monkeypatch.setattr(
        gan_step, "zero_centred_penalty", lambda critic, *_: critic.score.bias.sum()
    )
    trainer = make(tiny, penalty=3.0, penalty_every=2)
    pairs = PairSampler(images, ENGINE.device, 0)
    monkeypatch.setattr(
        trainer.d_optimiser,
        "step",
        lambda: found.append(trainer.critic.score.bias.grad.item()),
    )
    for _ in range(3):
        trainer.step(pairs)

    assert found == [6.0, 0.0, 6.0]
