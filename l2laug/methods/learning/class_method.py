"""What methods share whose critic also tells source classes: hinge loss, class loss, penalty."""

from __future__ import annotations

import torch
from torch import Tensor

from l2laug.config.recipe import Recipe
from l2laug.methods.learning.method import Losses, Method, Step, hinge
from l2laug.nn.methods.critics import ClassCritic
from l2laug.nn.methods.drawer import Drawer


class ClassMethod(Method):
    """A method with the critic of MatchingGAN, F2GAN and DeltaGAN.

    Args:
        recipe: its options of training.
        generator: draws.
        critic: tells real from drawn, and the source classes.
    """

    generator: Drawer
    critic: ClassCritic

    def __init__(self, recipe: Recipe, generator: Drawer, critic: ClassCritic) -> None:
        super().__init__(generator, critic)
        self.weights = recipe.method_training

    def image_losses(
        self, real: Tensor, labels: Tensor, drawn_features: Tensor, step: Step
    ) -> Losses:
        """The critic's terms of single images.

        L_D by hinge, cross-entropy of the source classes of real images, and, as everywhere in this
        project where the loss is hinge, a zero-centred penalty of the gradient at real images.

        Args:
            real: ``(N, C, S, S)``.
            labels: ``(N,)`` of their classes.
            drawn_features: the critic's of drawn images.
            step: says whether the penalty is taken.
        """
        critic, o = self.critic, step.options
        features = critic.features(real)
        losses = {
            "hinge": hinge(critic.real(features), critic.real(drawn_features)),
            "class": self.weights.class_weight * critic.class_loss(features, labels),
        }
        if o.penalty and step.done % o.penalty_every == 0:
            slope = self._slope(real)
            losses["penalty"] = o.penalty * o.penalty_every * slope
        return losses

    def drawn_losses(self, drawn_features: Tensor, labels: Tensor) -> Losses:
        """The generator's terms of single images: ``-E D``, and their source class."""
        return {
            "generator": -self.critic.real(drawn_features).mean(),
            "class": self.weights.class_weight * self.critic.class_loss(drawn_features, labels),
        }

    def _slope(self, real: Tensor) -> Tensor:
        """Half the mean squared gradient of the score at real images."""
        with torch.autocast(real.device.type, enabled=False):
            x = real.detach().requires_grad_()
            score = self.critic.real(self.critic.features(x)).sum()
            (gradient,) = torch.autograd.grad(score, [x], create_graph=True)
        return 0.5 * gradient.square().flatten(1).sum(1).mean()
