"""A generator and its pair critic trained against each other, one step at a time."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

from l2laug.config.recipe import AdversarialOptions, ClassConsistencyOptions
from l2laug.nn.augment import random_affine
from l2laug.nn.critic import Critic
from l2laug.nn.generator import Generator
from l2laug.nn.losses import critic_loss, generator_loss, unit_slope_penalty, zero_centred_penalty
from l2laug.nn.methods.drawer import Drawing
from l2laug.nn.prototype_classifier import PrototypeClassifier
from l2laug.runtime.processes import Processes
from l2laug.runtime.session import Session
from l2laug.training.pairs import Pairs, PairSampler
from l2laug.training.registration import Registration
from l2laug.training.steps.adversarial import AdversarialTrainer

Known = tuple[Tensor, Tensor | None]  # what the critic is told of a batch's groups


class GeneratorWithGems(nn.Module):
    """A generator and the GEMs plugged into it, none by default."""

    def __init__(self, generator: Generator, gems: nn.ModuleDict | None = None) -> None:
        super().__init__()
        self.generator = generator
        self.gems = nn.ModuleDict() if gems is None else gems


class GanTrainer(AdversarialTrainer[GeneratorWithGems, Critic, PairSampler]):
    """One adversarial training of a generator and its pair critic.

    A real pair is two images of a class, a fake pair an image and what the generator made of it
    (the paper's baseline, DAGAN). ``average`` is the generator to use: its weights are the moving
    average of those trained.

    Args:
        nets: the generator and its GEMs, trained in place.
        critic: trained in place.
        options: losses, rates and batch; where they have a class-consistency weight, how much the
            prototype classifier's loss weighs in the generator's (the class term of AC-GAN, Odena
            et al. 2017, with a prototype classifier that stays as it is).
        session: device, precision, and the seed of the latents, of where WGAN-GP's penalty is
            taken and of how the prototype classifier sees draws.
        classifier: has to recognise the class of what is drawn; its prototypes are of the classes
            that pairs are drawn from, in their order, before any others.
        registration: asks that given images can be warped onto those that they are paired with.
        train_norm: whether batch norm learns from these batches or keeps its statistics.
        processes: those that train the same networks, each on batches of its own; they share
            gradients, and keep batch norm's statistics to themselves.
    """

    def __init__(
        self,
        nets: GeneratorWithGems,
        critic: Critic,
        options: AdversarialOptions,
        session: Session,
        *,
        classifier: PrototypeClassifier | None = None,
        registration: Registration | None = None,
        train_norm: bool = True,
        processes: Processes | None = None,
    ) -> None:
        super().__init__(
            nets,
            critic,
            options,
            session,
            beside=() if registration is None else (registration.encoder,),
            processes=processes,
        )
        self.train_norm, self.registration = train_norm, registration
        self.classifier = (
            None
            if classifier is None
            else self.engine.place(classifier).eval().requires_grad_(False)
        )

    @property
    def average(self) -> Generator:
        """The averaged generator, in evaluation mode."""
        return self.averaged.generator

    @property
    def class_consistency(self) -> float:
        """The weight of the prototype classifier's loss."""
        options = self.options
        return options.class_consistency if isinstance(options, ClassConsistencyOptions) else 0.0

    def step(self, source: PairSampler) -> dict[str, Tensor]:
        self.set_rate()
        losses: dict[str, Tensor] = {}
        for _ in range(self.options.critic_steps - 1):
            real = source.draw(self.options.batch, self.critic.group)
            with torch.no_grad():
                fake = self._fake(real.given)
            losses |= self._critic_step(real, fake, self._known(source, real, fake))
        real = source.draw(self.options.batch, self.critic.group)
        fake = self._fake(real.given)
        known = self._known(source, real, fake)
        losses |= self._critic_step(real, fake.detach(), known)
        losses |= self._generator_step(real, fake, known)
        self.end_step()
        return losses

    def _generator_step(self, real: Pairs, fake: Tensor, known: Known) -> dict[str, Tensor]:
        self.critic.requires_grad_(False)
        with self.engine.autocast():
            score = self.critic(real.given, fake, *known)
        loss = generator_loss(score.float())
        losses = {"generator": loss.detach()}
        if self.classifier is not None and self.class_consistency:
            # Seen under random changes: a net that is not can be pleased with specks.
            changes = torch.Generator().manual_seed(self.seed + self.done)
            strange = self.classifier.loss(random_affine(fake, changes), real.labels)
            loss = loss + self.class_consistency * strange
            losses["class_consistency"] = strange.detach()
        if self.registration is not None:
            with self.engine.autocast():
                off, terms = self.registration.loss(
                    self.nets.generator, real.given, real.other, self.latents
                )
            loss = loss + off
            losses |= terms
        self.update_generator(loss)
        self.critic.requires_grad_(True)
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

    def _known(self, pairs: PairSampler, real: Pairs, fake: Tensor) -> Known:
        """How many images real groups are of, and what stands for the deviation of those of one.

        It is the fake group's own for either kind, so that it neither tells them apart nor is out
        of what a trained critic has seen.
        """
        distinct = pairs.distinct(real.labels, self.critic.group)
        if not pairs.any_alone or self.critic.group == 1:
            return distinct, None
        with self.engine.autocast():
            return distinct, self.critic.deviation(real.given, fake)

    def _critic_step(self, real: Pairs, fake: Tensor, known: Known) -> dict[str, Tensor]:
        o, (given, other, _) = self.options, real
        with self.engine.autocast():
            real_score = self.critic(given, other, *known).float()
            fake_score = self.critic(given, fake, *known).float()
        loss = critic_loss(real_score, fake_score, o.loss)
        losses = {"critic": loss.detach()}
        if o.penalty and self.done % o.penalty_every == 0:
            if o.loss == "wgan":
                penalty = unit_slope_penalty(self.critic, given, other, fake, self.latents, *known)
            else:
                penalty = zero_centred_penalty(self.critic, given, other, *known)
            loss = loss + o.penalty * o.penalty_every * penalty
            losses["penalty"] = penalty.detach()
        self.update_critic(loss)
        return losses | {
            "real": real_score.detach().mean(),
            "fake": fake_score.detach().mean(),
        }


def settle_norm(
    generator: Generator, pairs: PairSampler, session: Session, count: int = 20
) -> None:
    """Measure batch norm's statistics anew for averaged weights, over ``count`` batches."""
    settle_norm_on(generator, (pairs.draw(64).given for _ in range(count)), session)


def settle_norm_on(generator: Drawing, given: Iterable[Tensor], session: Session) -> None:
    """Measure batch norm's statistics anew on batches of images to draw from."""
    drawing = _Drawing(generator, session).eval()
    update_bn(given, drawing)


class _Drawing(nn.Module):
    """A generator that takes its latents by itself, as ``update_bn`` calls a network."""

    def __init__(self, generator: Drawing, session: Session) -> None:
        super().__init__()
        self.generator, self.engine = generator, session.engine
        self.latents = torch.Generator(session.engine.device).manual_seed(session.seed)

    def forward(self, given: Tensor) -> Tensor:
        latent = self.generator.options.latent
        z = torch.randn(len(given), latent, generator=self.latents, device=given.device)
        with self.engine.autocast():
            drawn: Tensor = self.generator(given, z)
        return drawn
