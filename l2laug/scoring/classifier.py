"""Do the samples help? A timm classifier trained without and with them, on the same schedule."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score
from torch import nn
from torch.nn import functional as F

from l2laug.errors import UsageError
from l2laug.images import ImageSet, Pixels
from l2laug.nn.augment import random_affine
from l2laug.nn.batches import to_batch
from l2laug.nn.device import Engine
from l2laug.progress import Advance, Progress


@dataclass(frozen=True)
class Arm:
    """One way to train: with classical augmentation or not, with samples or not."""

    name: str
    classical: bool
    samples: bool


ARMS = (
    Arm("none", classical=False, samples=False),
    Arm("classical", classical=True, samples=False),
    Arm("l2laug", classical=False, samples=True),
    Arm("classical + l2laug", classical=True, samples=True),
)


@dataclass(frozen=True)
class Outcome:
    """What one trained classifier scored on the test images; each from 0 to 1."""

    arm: str
    seed: int
    accuracy: float
    macro_f1: float
    rare_recall: float
    rare_precision: float
    rare_f1: float


@dataclass(frozen=True)
class Study:
    """The setting of a classifier study.

    Attributes:
        model: a timm model's name, trained from random weights.
        steps: of each training.
        batch: images a step, drawn class by class with equal chance.
        learning_rate: the largest of a one-cycle schedule.
        share: of the rare class's draws that are samples, in the arms that have them.
        seeds: how many trainings an arm gets; arms with the same seed start alike.
    """

    model: str = "resnet18"
    steps: int = 200
    batch: int = 32
    learning_rate: float = 1e-3
    share: float = 0.5
    seeds: int = 3


def run_study(
    train: ImageSet,
    test: ImageSet,
    rare: str,
    samples: Pixels,
    study: Study,
    engine: Engine,
    progress: Progress,
) -> list[Outcome]:
    """Train every arm with every seed and test it.

    Args:
        train: real images of every class, the support set of the rare one among them.
        test: real images of the same classes, none of which adapt or training saw.
        rare: name of the rare class.
        samples: uint8 ``(N, C, S, S)`` drawn of it.
        study: model and schedule.
        engine: device and precision.
        progress: where to show how far it is.

    Raises:
        UsageError: timm has no such model, or it can't take images of this size.
    """
    outcomes = []
    total = len(ARMS) * study.seeds * study.steps
    with progress.task("classifier", total) as advance:
        for seed in range(study.seeds):
            for arm in ARMS:
                net = _train(train, rare, samples, arm, study, engine, seed, advance)
                outcomes.append(_test(net, test, rare, arm, seed, engine))
    return outcomes


def _train(
    train: ImageSet,
    rare: str,
    samples: Pixels,
    arm: Arm,
    study: Study,
    engine: Engine,
    seed: int,
    advance: Advance,
) -> nn.Module:
    torch.manual_seed(seed)
    net = engine.place(_build(study.model, train))
    optimiser = torch.optim.AdamW(net.parameters(), study.learning_rate, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, study.learning_rate, study.steps)
    real, drawn = torch.from_numpy(train.pixels), torch.from_numpy(samples)
    rows_of = [np.flatnonzero(train.labels == c) for c in range(len(train.classes))]
    rare_label = train.classes.index(rare)
    # Classes and rows come from a stream of their own, so that every arm of a seed sees the same
    # real images in the same order but where a sample takes a rare one's place.
    random, taking = np.random.default_rng((seed, 0)), np.random.default_rng((seed, 1))
    changes = torch.Generator().manual_seed(seed)
    net.train()
    for _ in range(study.steps):
        labels = random.integers(len(train.classes), size=study.batch)
        x = real[[int(random.choice(rows_of[c])) for c in labels]]
        if arm.samples:
            swap = (labels == rare_label) & (taking.random(study.batch) < study.share)
            x[torch.from_numpy(swap)] = drawn[taking.integers(len(drawn), size=swap.sum())]
        unit = to_batch(x, engine.device)
        if arm.classical:
            unit = random_affine(unit, changes)
        with engine.autocast():
            scores = net(unit.contiguous(memory_format=torch.channels_last))
        loss = F.cross_entropy(scores.float(), torch.from_numpy(labels).to(engine.device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        advance(note=f"{arm.name}, seed {seed}")
    net.eval()
    return net


def _build(name: str, images: ImageSet) -> nn.Module:
    if name not in timm.list_models():
        raise UsageError(f"--model {name} is not a timm model.", "See timm.list_models().")
    channels, side = images.pixels.shape[1], images.pixels.shape[2]
    net: nn.Module = timm.create_model(
        name, pretrained=False, num_classes=len(images.classes), in_chans=channels
    )
    try:
        with torch.no_grad():
            net.eval()(torch.zeros(1, channels, side, side))
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"--model {name} can't take images of {side}x{side}: {str(error).rstrip('.')}.",
            "Use resnet18.",
        ) from error
    return net


@torch.no_grad()
def _test(
    net: nn.Module, test: ImageSet, rare: str, arm: Arm, seed: int, engine: Engine
) -> Outcome:
    found = []
    for start in range(0, len(test.pixels), 256):
        scores = net(to_batch(torch.from_numpy(test.pixels[start : start + 256]), engine.device))
        found.append(scores.argmax(1).cpu().numpy())
    guesses: NDArray[np.int64] = np.concatenate(found)
    label = test.classes.index(rare)
    truth = test.labels == label
    return Outcome(
        arm=arm.name,
        seed=seed,
        accuracy=float(accuracy_score(test.labels, guesses)),
        macro_f1=float(f1_score(test.labels, guesses, average="macro", zero_division=0)),
        rare_recall=float(recall_score(truth, guesses == label, zero_division=0)),
        rare_precision=float(precision_score(truth, guesses == label, zero_division=0)),
        rare_f1=float(f1_score(truth, guesses == label, zero_division=0)),
    )
