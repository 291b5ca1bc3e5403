"""GEM training: learn, layer by layer, the step from phi_s2 to phi_s1 (Algorithm 1, line 2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from l2laug.artifacts.training_log import TrainingLog
from l2laug.config.recipe import GemOptions
from l2laug.nn.gem import feature_loss
from l2laug.nn.generator import Generator
from l2laug.runtime.device import Engine
from l2laug.runtime.session import Session
from l2laug.training.loop import Phase, run_training
from l2laug.training.pairs import PairSampler


class Example(NamedTuple):
    """What a step of GEM training sees.

    Attributes:
        strong: learned from many images; what is to be come near.
        weak: learned from few.
        given: ``(N, C, S, S)`` in [-1, 1], what both are given.
    """

    strong: Generator
    weak: Generator
    given: Tensor


Examples = Callable[[int], Example]  # of a batch size


def train_gems(
    gems: nn.ModuleDict,
    strong: Generator,
    weak: Generator,
    pairs: PairSampler,
    options: GemOptions,
    session: Session,
    log: TrainingLog | None = None,
    *,
    turn: int = 0,
) -> dict[str, tuple[float, float]]:
    """Train tau_1..K so that tau_i(phi_s2's map i) comes near phi_s1's map i.

    Both generators are frozen and see the same image and latent. Strategy A trains the GEMs one
    after another, each on phi_s2's own maps; B one after another with the shallower ones plugged
    in and learning on; C all at once, all plugged in. In B and C the loss of a deep GEM moves the
    shallower ones too, unless ``options.own_loss_only``.

    Args:
        gems: trained in place.
        strong: phi_s1.
        weak: phi_s2.
        pairs: what to draw images from.
        options: positions, strategy, norm, rate and steps.
        session: device, progress and the seed of the latents.
        log: where losses are kept.
        turn: which of the rounds of Algorithm 1 this is, from 0; the log counts on.

    Returns:
        For each position the loss before and after, the mean of the first and last tenth of steps.

    Raises:
        RecipeError: the training diverged.
    """
    for net in (strong, weak):
        session.engine.place(net).eval().requires_grad_(False)

    def examples(batch: int) -> Example:
        return Example(strong, weak, pairs.draw(batch).given)

    return fit_gems(gems, examples, options, session, log, turn=turn)


def fit_gems(
    gems: nn.ModuleDict,
    examples: Examples,
    options: GemOptions,
    session: Session,
    log: TrainingLog | None = None,
    *,
    turn: int = 0,
) -> dict[str, tuple[float, float]]:
    """Train GEMs on examples, which may be of other generators at every step.

    Args:
        gems: trained in place.
        examples: draws one; its generators are frozen, in evaluation mode, on the device.
        options: positions, strategy, norm, rate and steps.
        session: device, progress and the seed of the latents.
        log: where losses are kept.
        turn: see :func:`train_gems`.

    Returns:
        As :func:`train_gems`.

    Raises:
        RecipeError: the training diverged.
    """
    order = sorted(options.positions)
    if not order:
        return {}
    session.engine.place(gems).train()
    stages = [order] if options.strategy == "C" else [order[: i + 1] for i in range(len(order))]
    losses = GemLosses(gems, options, session.engine)
    history: dict[str, list[Tensor]] = {str(i): [] for i in order}
    steps = _steps(losses, stages, examples, session.seed, history)
    count = options.steps * len(stages)
    phase = Phase("gems", "GEMs", count * (turn + 1), count * turn)
    run_training(lambda: next(steps), phase, session.progress, log)
    gems.eval()
    return {name: _ends(torch.stack(x).tolist()) for name, x in history.items() if x}


@dataclass(frozen=True)
class GemLosses:
    """L_tau_i = norm(h_si, h_ni) of the GEMs that are learning.

    Attributes:
        gems: by decoder block.
        options: norm, strategy, and whether a loss moves its own GEM alone.
        engine: the precision.
    """

    gems: nn.ModuleDict
    options: GemOptions
    engine: Engine

    def learning(self, stage: list[int]) -> list[int]:
        """The positions that learn where a stage has come to the last of these."""
        return stage[-1:] if self.options.strategy == "A" else stage

    def __call__(self, example: Example, z: Tensor, stage: list[int]) -> dict[str, Tensor]:
        """The loss of each GEM that is learning, by position.

        Args:
            example: phi_s1 and phi_s2, frozen, and what they are given.
            z: ``(N, latent)``, the same for both.
            stage: positions, from shallow to deep.
        """
        strong, weak, given = example
        alone, own = self.options.strategy == "A", self.options.own_loss_only
        outputs = {str(i): _Output(self.gems[str(i)], cut=own) for i in self.learning(stage)}
        count = max(stage) + 1
        with self.engine.autocast():
            with torch.no_grad():
                theirs = strong.decoder_maps(strong.encode(given), z, count=count)
            ours = weak.decoder_maps(weak.encode(given), z, {} if alone else outputs, count)
            if alone:
                outputs[str(stage[-1])](ours[stage[-1]])
            return {
                name: feature_loss(output.seen, theirs[int(name)], self.options.norm)
                for name, output in outputs.items()
            }


class _Output(nn.Module):
    """A GEM that remembers its output, and may hand it on without a gradient."""

    def __init__(self, gem: nn.Module, *, cut: bool) -> None:
        super().__init__()
        self.gem, self.cut = gem, cut
        self.seen: Tensor

    def forward(self, h: Tensor) -> Tensor:
        self.seen = self.gem(h)
        return self.seen.detach() if self.cut else self.seen


def _steps(
    losses: GemLosses,
    stages: list[list[int]],
    examples: Examples,
    seed: int,
    history: dict[str, list[Tensor]],
) -> Iterator[dict[str, Tensor]]:
    """Take a step of training at each ``next``; the losses go to ``history`` as well."""
    options = losses.options
    latents = torch.Generator(losses.engine.device).manual_seed(seed)
    for stage in stages:
        parameters = [p for i in losses.learning(stage) for p in losses.gems[str(i)].parameters()]
        optimiser = torch.optim.Adam(parameters, options.learning_rate)
        for _ in range(options.steps):
            example = examples(options.batch)
            shape = (len(example.given), example.strong.options.latent)
            z = torch.randn(shape, generator=latents, device=example.given.device)
            found = losses(example, z, stage)
            optimiser.zero_grad(set_to_none=True)
            torch.stack(list(found.values())).sum().backward()
            optimiser.step()
            told = {name: loss.detach() for name, loss in found.items()}
            for name, loss in told.items():
                history[name].append(loss)
            yield told


def _ends(values: list[float]) -> tuple[float, float]:
    tenth = max(1, len(values) // 10)
    return sum(values[:tenth]) / tenth, sum(values[-tenth:]) / tenth
