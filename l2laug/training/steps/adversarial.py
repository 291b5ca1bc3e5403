"""Two adversaries in training: optimisers, rates, moving average, state."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import torch
from timm.utils.model_ema import ModelEmaV3
from torch import Tensor, nn

from l2laug.artifacts.training_log import TrainingLog
from l2laug.config.recipe import AdversarialOptions
from l2laug.runtime.processes import Processes
from l2laug.runtime.session import Session
from l2laug.training.loop import Every, Phase, check_finite, run_training

N = TypeVar("N", bound=nn.Module)
C = TypeVar("C", bound=nn.Module)
S = TypeVar("S")  # what batches are drawn from

APART = 1_000_003  # of the seeds of processes
# By a hinge loss the scores of real and of drawn images lie .8 and more apart where a training goes
# well (the demo's, over any quarter of its lines); a critic that sees nothing scores them alike.
GIVEN_UP = 0.05
FEWEST_LINES = 8  # of the log, that a training can be judged by


def gave_up(lines: Sequence[Mapping[str, Any]], phase: str) -> bool:
    """Whether the critic scored real and drawn images alike in the last quarter of a phase.

    Args:
        lines: of the training's log.
        phase: its name there.
    """
    losses = [line["losses"] for line in lines if line["phase"] == phase and "losses" in line]
    gaps = [found["real"] - found["fake"] for found in losses if {"real", "fake"} <= found.keys()]
    last = gaps[-(len(gaps) // 4) :] if len(gaps) >= FEWEST_LINES else []
    return bool(last) and abs(sum(last)) / len(last) < GIVEN_UP


class AdversarialTrainer(ABC, Generic[N, C, S]):
    """The state of one adversarial training, whatever its losses are.

    Args:
        nets: what generates, trained in place; ``averaged`` is its moving average, to be used.
        critic: trained in place.
        options: rates and steps.
        session: device, precision, and the seed of latents.
        beside: networks that learn along with ``nets`` and are not averaged.
        processes: those that train the same networks, each on batches of its own; they share
            gradients, and keep batch norm's statistics to themselves.
    """

    def __init__(
        self,
        nets: N,
        critic: C,
        options: AdversarialOptions,
        session: Session,
        *,
        beside: Sequence[nn.Module] = (),
        processes: Processes | None = None,
    ) -> None:
        self.options, self.engine = options, session.engine
        self.progress, self.processes = session.progress, processes
        # The processes' latents differ, or they would draw the same images.
        self.seed = session.seed + APART * (0 if processes is None else processes.index)
        self.nets: N = self.engine.place(nets)
        self.critic: C = self.engine.place(critic)
        self.learning = nn.ModuleList([self.nets, *(self.engine.place(m) for m in beside)])
        # Its decay warms up as n / (9 + n), so that the first weights do not linger.
        self.ema = ModelEmaV3(
            self.nets, decay=options.average, use_warmup=True, warmup_gamma=9.0, warmup_power=1.0
        )
        self.averaged: N = self.ema.module.requires_grad_(False)
        self.g_optimiser = torch.optim.Adam(self.learning.parameters(), betas=options.betas)
        self.d_optimiser = torch.optim.Adam(critic.parameters(), betas=options.betas)
        self.latents = torch.Generator(self.engine.device).manual_seed(self.seed)
        self.done = 0
        self._ends: float | None = None  # of the time there is, on the monotonic clock
        self._seconds = 0.0

    @abstractmethod
    def step(self, source: S) -> dict[str, Tensor]:
        """One generator step after ``critic_steps`` critic steps; returns the losses."""

    def train(
        self,
        source: S,
        phase: Phase,
        log: TrainingLog | None = None,
        every: Sequence[Every] = (),
    ) -> int:
        """Take the steps of a phase, see :func:`run_training`; returns how many are done.

        If the critic gives up that is said; moments that were kept on the way are not touched.

        Raises:
            RecipeError: losses or weights are no numbers any more.
        """
        log = log or TrainingLog()
        done = run_training(lambda: self.step(source), phase, self.progress, log, every)
        self.check_finite()
        if self.options.loss == "hinge" and gave_up(log.lines, phase.name):
            self.progress.say(
                f"note: {phase.title}: the critic has given up, it no longer tells real images "
                "from drawn ones. What is drawn may not be like them: look at the sheet; raise "
                "critic_learning_rate or lower learning_rate in the recipe."
            )
        return done

    def limit_time(self, seconds: float | None, left: float | None) -> None:
        """Let rates fall with the time of a training that is limited by it, too.

        Args:
            seconds: that it may take in all.
            left: of those.
        """
        if seconds is not None and left is not None:
            self._seconds, self._ends = seconds, time.monotonic() + left

    def check_finite(self) -> None:
        """Make sure that all weights are numbers.

        Raises:
            RecipeError: some are not.
        """
        weights = [*self.averaged.state_dict().values(), *self.critic.parameters()]
        check_finite(weights, self.done)

    def update_generator(self, loss: Tensor) -> None:
        """Lower the loss by the generator and what learns along with it."""
        self._update(self.g_optimiser, self.learning, loss)

    def update_critic(self, loss: Tensor) -> None:
        """Lower the loss by the critic."""
        self._update(self.d_optimiser, self.critic, loss)

    def end_step(self) -> None:
        """Count a generator step and renew the moving average."""
        self.done += 1
        self.ema.update(self.nets, self.done + 2)  # of which it takes one off: n is done + 1

    def share_gradients(self, module: nn.Module) -> None:
        """Give all processes the mean of their gradients."""
        if self.processes is not None:
            self.processes.average_gradients(module)

    def set_rate(self) -> None:
        """Constant, then linear to zero over the steps, or the time, behind ``decay_from``."""
        o = self.options
        left = 1 - self.done / max(o.steps, 1)
        if self._ends is not None:
            left = min(left, (self._ends - time.monotonic()) / self._seconds)
        share = min(1.0, left / (1 - o.decay_from)) if o.decay_from < 1 else 1.0
        self.g_optimiser.param_groups[0]["lr"] = o.learning_rate * max(share, 0.0)
        self.d_optimiser.param_groups[0]["lr"] = o.critic_learning_rate * max(share, 0.0)

    def _update(self, optimiser: torch.optim.Adam, module: nn.Module, loss: Tensor) -> None:
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.share_gradients(module)
        optimiser.step()

    def state_dict(self) -> dict[str, Any]:
        """All that a resumed training needs."""
        return {
            "nets": self.learning.state_dict(),
            "averaged": self.averaged.state_dict(),
            "critic": self.critic.state_dict(),
            "g_optimiser": self.g_optimiser.state_dict(),
            "d_optimiser": self.d_optimiser.state_dict(),
            "latents": self.latents.get_state(),
            "done": self.done,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state_dict` returned."""
        self.learning.load_state_dict(state["nets"])
        self.averaged.load_state_dict(state["averaged"])
        self.critic.load_state_dict(state["critic"])
        self.g_optimiser.load_state_dict(state["g_optimiser"])
        self.d_optimiser.load_state_dict(state["d_optimiser"])
        self.latents.set_state(state["latents"].cpu())
        self.done = state["done"]
        if self.processes is not None and not self.processes.main:
            # The state is the first process's: its latents are not ours.
            self.latents.manual_seed(self.seed + self.done)
