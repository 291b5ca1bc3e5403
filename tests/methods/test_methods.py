"""Every method: it learns a toy set, and its graph draws what torch draws."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from l2laug.artifacts.model_card import Card
from l2laug.config.methods import LEARN_RARE
from l2laug.core.progress import Progress
from l2laug.data.image_set import ImageSet
from l2laug.methods.learning.episodes import EpisodeSampler
from l2laug.methods.learning.source import settle
from l2laug.methods.registry import build_method, build_trainer
from l2laug.nn.feature_net import FeatureNet
from l2laug.nn.methods.drawer import window_of
from l2laug.nn.onnx_export import TOLERANCE, TargetModel, export_model
from l2laug.nn.prototype_classifier import PrototypeClassifier
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from tests.methods.recipes import OTHERS, small

SESSION = Session(Engine(torch.device("cpu"), torch.float32), Progress(quiet=True))
DARK, BRIGHT = -0.7, 0.7
LEARNING = {"steps": 20, "average": 0.9, "learning_rate": 2e-3, "critic_learning_rate": 2e-3}
OWN: dict[str, dict[str, Any]] = {
    "dagan": {"critic_steps": 1},
}


def two_modes() -> ImageSet:
    """A class of dark and a class of bright images, ten each, one-coloured but for some noise."""
    random = np.random.default_rng(0)
    levels = np.repeat([DARK, BRIGHT], 10)[:, None, None, None]
    unit = levels + random.normal(0, 0.05, (20, 1, 32, 32))
    pixels = np.rint((unit + 1) * 127.5).clip(0, 255).astype(np.uint8)
    return ImageSet(pixels, np.repeat([0, 1], 10), ("bright", "dark"), (Path(),) * 20)


# Those that learn a rare class by steps of their own are in test_figr.py.
@pytest.mark.parametrize("name", [m for m in OTHERS if m not in LEARN_RARE])
def test_it_learns_two_modes_and_draws_each_from_its_own(name: str):
    images = two_modes()
    recipe = small(name, **LEARNING | OWN.get(name, {}))
    torch.manual_seed(0)
    trainer = build_trainer(recipe, 2, SESSION)
    episodes = EpisodeSampler(images, torch.device("cpu"), 0, trainer.method.shots)

    for _ in range(recipe.source.steps):
        trainer.step(episodes)
    settle(trainer.averaged, images, SESSION)

    levels = []
    for label in range(2):
        shown = torch.from_numpy(images.pixels[images.labels == label][:5]).float() / 127.5 - 1
        window = window_of(trainer.averaged)
        given = shown[:window].expand(20, *[-1] * 4) if window > 1 else shown.repeat(4, 1, 1, 1)
        with torch.no_grad():
            drawn = trainer.averaged.eval()(given, torch.randn(20, recipe.generator.latent))
        levels.append(drawn.mean((1, 2, 3)))
    assert levels[0].max() < -0.3
    assert levels[1].min() > 0.3


# DAWSON's networks are FIGR's; DAGAN's graph is checked where it is adapted.
@torch.no_grad()
@pytest.mark.parametrize("name", [m for m in OTHERS if m not in ("dagan", "dawson")])
def test_onnx_draws_what_torch_draws_for_any_number_of_images(
    name: str, card: Card, tmp_path: Path
):
    images = two_modes().take(np.arange(5)).of(["bright"])
    recipe = small(name)
    torch.manual_seed(1)
    generator = build_method(recipe, 2).generator
    window = window_of(generator)
    given = torch.rand(8, *([window] if window > 1 else []), 1, 32, 32)
    generator.train()(given, torch.randn(8, 10))  # batch norm's statistics as after training
    path = tmp_path / "model.onnx"

    card = replace(card, support_hashes=("a",) * 5)
    classifier = PrototypeClassifier(FeatureNet(1, 4, 2).eval(), 2).learn(images)
    export_model(TargetModel(generator, nn.ModuleDict(), classifier), images, card, path)

    shown = torch.from_numpy(images.pixels).float() / 127.5 - 1
    rows, z = torch.tensor([4, 0, 3]), torch.randn(3, 10)
    feed = {"support": rows.numpy(), "latent": z.numpy()}
    found = onnxruntime.InferenceSession(path).run(["images"], feed)[0]
    around = torch.stack([(rows + k) % 5 for k in range(window)], 1)  # the next of the class
    wanted = generator.eval()(shown[around] if window > 1 else shown[rows], z)
    assert np.abs(found - wanted.numpy()).max() < TOLERANCE
    again = onnxruntime.InferenceSession(path).run(["images"], feed)[0]
    assert np.array_equal(found, again), "something in the graph is random"
