"""FIGR and DAWSON: the meta gradients by hand."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from l2laug.config.recipe import Recipe
from l2laug.core.progress import Progress
from l2laug.data.image_set import ImageSet
from l2laug.methods.dawson import Dawson
from l2laug.methods.figr import Figr, unit_slope
from l2laug.methods.learning.episodes import Episode, EpisodeSampler
from l2laug.methods.learning.method import Losses, Step
from l2laug.methods.learning.trainer import MetaTrainer
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from tests.methods.recipes import small

RATE = 0.1
STEPS, TURNS = 12, 6


class Level(nn.Module):
    """A single weight."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.level = nn.Parameter(torch.tensor(value))


class Squares:
    """Losses in place of a GAN's: (critic - mean of images)^2, (generator - critic)^2."""

    def critic_losses(self, episode: Episode, step: Step) -> Losses:
        del step
        return {"wgan": (self.critic.level - episode.images.mean()) ** 2}  # type: ignore[attr-defined]

    def generator_losses(self, episode: Episode, step: Step) -> Losses:
        del episode, step
        return {"generator": (self.generator.level - self.critic.level) ** 2}  # type: ignore[attr-defined]


class SquaresFigr(Squares, Figr):
    """FIGR on these losses."""


class SquaresDawson(Squares, Dawson):
    """DAWSON on these losses."""


def made(kind: type, name: str, **own: object) -> tuple[Figr, Step]:
    recipe = small(name, own={"inner_learning_rate": RATE, **own}, critic_steps=2)
    method = kind(recipe)
    method.generator, method.critic = Level(0.0), Level(0.0)
    return method, Step(torch.Generator().manual_seed(0), 0, recipe.source)


def episode(*levels: float) -> Episode:
    images = torch.tensor(levels).view(1, -1, 1, 1, 1).expand(1, -1, 1, 4, 4)
    return Episode(images, torch.zeros(1, dtype=torch.int64))


def test_figr_moves_towards_the_weights_after_the_inner_steps():
    method, step = made(SquaresFigr, "figr", inner_steps=1)

    method.meta_step(episode(1.0, 1.0, 1.0, 1.0), step)

    # Each step of SGD goes a fifth of the way: the critic to .2 and .36, the generator .072.
    assert method.critic.level.grad.item() == pytest.approx(0 - 0.36)
    assert method.generator.level.grad.item() == pytest.approx(0 - 0.2 * 0.36)
    assert method.critic.level.item() == 0, "the outer weights moved before Adam's step"


def test_dawson_judges_by_the_query():
    method, step = made(SquaresDawson, "dawson")

    # The support's images are 1, the query's -1.
    method.meta_step(episode(1.0, 1.0, 1.0, 1.0, -1.0, -1.0, -1.0, -1.0), step)

    # On the support the critic goes to .36; there the query's loss (.36 + 1)^2 has the slope 2.72.
    assert method.critic.level.grad.item() == pytest.approx(2 * 1.36)
    # The generator went to .072; judged by the critic of the query, at -.36.
    assert method.generator.level.grad.item() == pytest.approx(2 * (0.072 + 0.36))


def test_a_rare_class_is_learned_by_the_same_steps():
    method, step = made(SquaresFigr, "figr", inner_steps=3)

    taken = method.learn_rare(torch.full((2, 1, 4, 4), 0.5), step)

    critic = generator = 0.0
    for _ in range(3):
        for _ in range(2):
            critic += 0.2 * (0.5 - critic)
        generator += 0.2 * (critic - generator)
    assert taken == 3
    assert method.critic.level.item() == pytest.approx(critic)
    assert method.generator.level.item() == pytest.approx(generator)


def test_the_penalty_is_the_squared_distance_of_slopes_from_1():
    class Slope(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1).sum(1) / 8

    # 1024 pixels of slope 1 / 8: a norm of 4.
    x = torch.rand(3, 1, 32, 32)
    found = unit_slope(Slope(), x, -x, torch.Generator().manual_seed(0))
    assert found.item() == pytest.approx(9.0)


class OneLevel(nn.Module):
    """A latent to an image of one level."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__()
        self.options = recipe.generator
        self.dense = nn.Linear(recipe.generator.latent, 1)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        return self.dense(z * 0.1).view(-1, 1, 1, 1).expand_as(x)


class SeesLevels(nn.Module):
    """A critic that sees an image's mean."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 16), nn.LeakyReLU(0.2), nn.Linear(16, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.body(4 * x.mean((1, 2, 3))[:, None]).squeeze(1)


@pytest.mark.parametrize("name", ["figr", "dawson"])
def test_from_what_was_learned_each_of_two_modes_is_drawn(name: str):
    random = np.random.default_rng(0)
    levels = np.repeat([64, 192], 10)[:, None, None, None]  # -.5 and .5
    pixels = (levels + random.integers(-5, 6, (20, 1, 4, 4))).astype(np.uint8)
    images = ImageSet(pixels, np.repeat([0, 1], 10), ("a", "b"), (Path(),) * 20)
    own = {"inner_learning_rate": 0.05, "inner_steps": 10}
    rates = {"learning_rate": 5e-3, "critic_learning_rate": 5e-3}
    recipe = small(name, own=own, critic_steps=3, penalty=1.0, **rates)
    torch.manual_seed(0)
    method = (Figr if name == "figr" else Dawson)(recipe)
    method.generator, method.critic = OneLevel(recipe), SeesLevels()
    session = Session(Engine(torch.device("cpu"), torch.float32), Progress(quiet=True))
    trainer = MetaTrainer(method, recipe.source, session)
    episodes = EpisodeSampler(images, torch.device("cpu"), 0, method.shots)
    for _ in range(STEPS):
        trainer.step(episodes)

    found = []
    for label in range(2):
        learner, seen = method.copied(), []
        shown = torch.from_numpy(pixels[images.labels == label][:5]).float() / 127.5 - 1
        # Adversaries swing about what they learn, so it is looked at more than once.
        for turn in range(TURNS):
            learner.learn_rare(shown, Step(torch.Generator().manual_seed(turn), 0, recipe.source))
            drawn = learner.generator(shown, torch.randn(5, 10))
            seen.append(drawn.mean().item())
        found.append(np.mean(seen[TURNS // 2 :]))
    assert found[0] < -0.2
    assert found[1] > 0.2


def test_copies_learn_alone():
    method = Figr(small("figr"))
    before = copy.deepcopy(method.generator.state_dict())
    inner = method.copied()
    step = Step(torch.Generator().manual_seed(0), 0, small("figr").source)
    inner.generator_step(Episode(torch.rand(1, 4, 1, 32, 32), torch.zeros(1)), step)
    after = method.generator.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    moved = inner.generator.state_dict()
    assert any(not torch.equal(before[name], moved[name]) for name in before)
