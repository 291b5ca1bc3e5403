"""A generator and its pair critic trained against each other, one step at a time."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from l2laug.config.recipe import AdversarialOptions
from l2laug.core.errors import RecipeError
from l2laug.nn.augment import random_affine
from l2laug.nn.critic import Critic
from l2laug.nn.generator import Generator
from l2laug.nn.losses import critic_loss, generator_loss, unit_slope_penalty, zero_centred_penalty
from l2laug.nn.prototype_classifier import PrototypeClassifier
from l2laug.runtime.device import Engine
from l2laug.runtime.processes import Processes
from l2laug.training.pairs import Pairs, PairSampler
from l2laug.training.registration import Registration

APART = 1_000_003  # of the seeds of processes


class Pair(nn.Module):
    """A generator and the GEMs plugged into it."""

    def __init__(self, generator: Generator, gems: nn.ModuleDict) -> None:
        super().__init__()
        self.generator, self.gems = generator, gems


class Adversary:
    """The state of one adversarial training: networks, optimisers and a running average.

    A real pair is two images of a class, a fake pair an image and what the generator made of it
    (the paper's baseline, DAGAN). ``average`` is the generator to use: its weights are the moving
    average of those trained.

    Args:
        generator: trained in place.
        critic: trained in place.
        options: losses, rates and batch.
        engine: device and precision.
        seed: of the latents, of where WGAN-GP's penalty is taken and of how the prototype
            classifier sees draws.
        gems: plugged into the decoder, trained along with it.
        classifier: has to recognise the class of what is drawn; its prototypes are of the classes
            that pairs are drawn from, in their order, before any others.
        class_consistency: how much the prototype classifier's loss weighs in the generator's (the
            class term of AC-GAN, Odena et al. 2017, with a prototype classifier that stays as it
            is).
        registration: asks that given images can be warped onto those that they are paired with.
        train_norm: whether batch norm learns from these batches or keeps its statistics.
        processes: those that train the same networks, each on batches of its own; they share
            gradients, and keep batch norm's statistics to themselves.
    """

    def __init__(
        self,
        generator: Generator,
        critic: Critic,
        options: AdversarialOptions,
        engine: Engine,
        seed: int,
        *,
        gems: nn.ModuleDict | None = None,
        classifier: PrototypeClassifier | None = None,
        class_consistency: float = 0.0,
        registration: Registration | None = None,
        train_norm: bool = True,
        processes: Processes | None = None,
    ) -> None:
        self.options, self.engine, self.train_norm = options, engine, train_norm
        self.processes = processes
        # The processes' latents differ, or they would draw the same images.
        self.seed = seed + APART * (0 if processes is None else processes.index)
        self.nets = engine.place(Pair(generator, nn.ModuleDict() if gems is None else gems))
        self.critic = engine.place(critic)
        self.classifier = (
            None if classifier is None else engine.place(classifier).eval().requires_grad_(False)
        )
        self.class_consistency = class_consistency
        self.averaged = copy.deepcopy(self.nets).eval().requires_grad_(False)
        self.registration = registration
        self.learning = nn.ModuleList([self.nets])
        if registration is not None:
            self.learning.append(engine.place(registration.encoder))
        self.g_optimiser = torch.optim.Adam(self.learning.parameters(), betas=options.betas)
        self.d_optimiser = torch.optim.Adam(critic.parameters(), betas=options.betas)
        self.latents = torch.Generator(engine.device).manual_seed(self.seed)
        self.done = 0

    @property
    def average(self) -> Generator:
        """The averaged generator, in evaluation mode."""
        return self.averaged.generator

    def step(self, pairs: PairSampler) -> dict[str, float]:
        """One generator step after ``critic_steps`` critic steps; returns the losses.

        Raises:
            RecipeError: a loss is no number any more.
        """
        self._set_rate()
        losses: dict[str, float] = {}
        for _ in range(self.options.critic_steps - 1):
            real = pairs.draw(self.options.batch, self.critic.group)
            with torch.no_grad():
                fake = self._fake(real.given)
            losses |= self._critic_step(real, fake, self._known(pairs, real, fake))
        real = pairs.draw(self.options.batch, self.critic.group)
        given, other, labels = real
        fake = self._fake(given)
        known = self._known(pairs, real, fake)
        losses |= self._critic_step(real, fake.detach(), known)
        self.critic.requires_grad_(False)
        with self.engine.autocast():
            score = self.critic(given, fake, *known)
        loss = generator_loss(score.float())
        losses["generator"] = loss.item()
        if self.classifier is not None and self.class_consistency:
            # Seen under random changes: a net that is not can be pleased with specks.
            changes = torch.Generator().manual_seed(self.seed + self.done)
            strange = self.classifier.loss(random_affine(fake, changes), labels)
            loss = loss + self.class_consistency * strange
            losses["class_consistency"] = strange.item()
        if self.registration is not None:
            with self.engine.autocast():
                off, terms = self.registration.loss(self.nets.generator, given, other, self.latents)
            loss = loss + off
            losses |= terms
        self.g_optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._share_gradients(self.learning)
        self.g_optimiser.step()
        self.critic.requires_grad_(True)
        self.done += 1
        self._update_average()
        if odd := [name for name, value in losses.items() if not math.isfinite(value)]:
            raise RecipeError(
                f"Training diverged at step {self.done}: its losses ({', '.join(odd)}) are no "
                "numbers any more.",
                "Lower learning_rate and critic_learning_rate in the recipe.",
            )
        return losses

    def _fake(self, given: Tensor) -> Tensor:
        self.nets.train(self.train_norm)
        generator = self.nets.generator
        z = torch.randn(
            len(given),
            generator.options.latent,
            generator=self.latents,
            device=given.device,
        )
        with self.engine.autocast():
            fake: Tensor = generator(given, z, dict(self.nets.gems.items()))
        return fake.float()

    def _known(self, pairs: PairSampler, real: Pairs, fake: Tensor) -> tuple[Tensor, Tensor | None]:
        """How many images real groups are of, and what stands for the deviation of those of one.

        It is the fake group's own for either kind, so that it neither tells them apart nor is out
        of what a trained critic has seen.
        """
        distinct = pairs.distinct(real.labels, self.critic.group)
        if not pairs.any_alone or self.critic.group == 1:
            return distinct, None
        with self.engine.autocast():
            return distinct, self.critic.deviation(real.given, fake)

    def _critic_step(
        self, real: Pairs, fake: Tensor, known: tuple[Tensor, Tensor | None]
    ) -> dict[str, float]:
        o, (given, other, _) = self.options, real
        with self.engine.autocast():
            real_score = self.critic(given, other, *known).float()
            fake_score = self.critic(given, fake, *known).float()
        loss = critic_loss(real_score, fake_score, o.loss)
        losses = {"critic": loss.item()}
        if o.penalty and self.done % o.penalty_every == 0:
            if o.loss == "wgan":
                penalty = unit_slope_penalty(self.critic, given, other, fake, self.latents, *known)
            else:
                penalty = zero_centred_penalty(self.critic, given, other, *known)
            loss = loss + o.penalty * o.penalty_every * penalty
            losses["penalty"] = penalty.item()
        self.d_optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._share_gradients(self.critic)
        self.d_optimiser.step()
        return losses | {
            "real": real_score.mean().item(),
            "fake": fake_score.mean().item(),
        }

    def _share_gradients(self, module: nn.Module) -> None:
        if self.processes is not None:
            self.processes.average_gradients(module)

    def _set_rate(self) -> None:
        """Constant, then linear to zero over the steps behind ``decay_from``."""
        o = self.options
        left = 1 - self.done / max(o.steps, 1)
        share = min(1.0, left / (1 - o.decay_from)) if o.decay_from < 1 else 1.0
        self.g_optimiser.param_groups[0]["lr"] = o.learning_rate * max(share, 0.0)
        self.d_optimiser.param_groups[0]["lr"] = o.critic_learning_rate * max(share, 0.0)

    @torch.no_grad()
    def _update_average(self) -> None:
        # A short ramp, so that the first weights do not linger in the average.
        keep = min(self.options.average, (1 + self.done) / (10 + self.done))
        ours, theirs = self.averaged.state_dict(), self.nets.state_dict()
        for name, value in ours.items():
            if value.is_floating_point():
                value.lerp_(theirs[name], 1 - keep)
            else:
                value.copy_(theirs[name])

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


@torch.no_grad()
def settle_norm(
    generator: Generator, pairs: PairSampler, engine: Engine, seed: int, batches: int = 20
) -> None:
    """Measure batch norm's statistics anew for averaged weights, over some batches of pairs."""
    norms = [m for m in generator.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [m.momentum for m in norms]
    latents = torch.Generator(engine.device).manual_seed(seed)
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    generator.train()
    for _ in range(batches):
        given, _, _ = pairs.draw(64)
        z = torch.randn(
            len(given), generator.options.latent, generator=latents, device=given.device
        )
        with engine.autocast():
            generator(given, z)
    generator.eval()
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
