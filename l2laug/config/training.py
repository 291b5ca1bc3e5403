"""Recipe keys of the trainings: source, weak, base classes and target."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from l2laug.config.fields import (
    Batch,
    Boolean,
    ConsistencyWeight,
    Count,
    CriticLearningRate,
    LearningRate,
    NotBoolean,
    Options,
    Positive,
    Rate,
    Share,
    ShareBelow1,
    Steps,
    TrainNorm,
    Weight,
    Whole,
)


class AdversarialOptions(Options):
    """How a generator and its critic are trained against each other."""

    steps: Steps
    batch: Batch = 32
    learning_rate: LearningRate = 2e-4
    critic_learning_rate: CriticLearningRate = 2e-4
    betas: tuple[ShareBelow1, ShareBelow1] = Field(
        default=(0.0, 0.99), description="Adam's decay rates of both optimisers."
    )
    loss: Literal["hinge", "wgan"] = Field(
        default="hinge",
        description="Adversarial loss: `hinge` with a zero-centred gradient penalty on real "
        "images, or `wgan` (WGAN-GP, the paper's).",
    )
    critic_steps: Annotated[Positive, Field(le=1000)] = Field(
        default=1, description="Critic steps before each generator step."
    )
    penalty: Weight = Field(default=0.02, description="Weight of the gradient penalty.")
    penalty_every: Positive = Field(
        default=8,
        description="Generator steps from one gradient penalty to the next; it weighs that much "
        "more.",
    )
    average: ShareBelow1 = Field(
        default=0.999,
        description="Decay of the moving average of the generator's weights, which is what is "
        "kept; 0 keeps the last weights.",
    )
    decay_from: Share = Field(
        default=1.0,
        description="Share of the steps after which learning rates fall linearly to 0; 1 keeps "
        "them constant.",
    )


class ClassConsistencyOptions(AdversarialOptions):
    """An adversarial training in which a frozen feature net has to recognise what is drawn."""

    class_consistency: ConsistencyWeight = 0.0


class RegisteredOptions(ClassConsistencyOptions):
    """A training that may also learn to warp the given image onto the one that it is paired with.

    It does by a latent that an encoder reads off the two.
    """

    registration: Weight = Field(
        default=0.0,
        description="Weight of the registration loss: a latent read off two images of a class has "
        "to warp the one onto the other; needs `generator.warp`. Helps shapes whose parts "
        "correspond, harms textures.",
    )
    kl_weight: Weight = Field(
        default=0.01,
        description="Weight of the KL divergence, per nat, of those latents from the standard "
        "normal.",
    )


class SourceOptions(RegisteredOptions):
    """phi_s1, the strong source generator, or what another method trains on source classes."""

    steps: Steps = 12000
    max_seconds: Annotated[float, Field(gt=0), NotBoolean] | None = Field(
        default=None,
        description="Longest time that these steps may take in all, in seconds; null for no limit.",
    )


class BaseOptions(RegisteredOptions):
    """Base classes of the user's own, learned along with the rare ones before those are tuned."""

    steps: Steps = 400
    batch: Batch = 16
    learning_rate: LearningRate = 1e-4
    critic_learning_rate: CriticLearningRate = 1e-4
    class_consistency: ConsistencyWeight = 2.0
    images: Annotated[Whole, Field(ge=2)] = Field(
        default=100, description="Most images of a base class that are used."
    )
    classes: Positive = Field(default=100, description="Most base classes that are used.")


class WeakOptions(AdversarialOptions):
    """phi_s2, the weak source generator: few images of each source class."""

    steps: Steps = 150
    start: Literal["random", "strong"] = Field(
        default="strong",
        description="Initial weights: those of the strong source generator, or `random` as in the "
        "paper.",
    )
    shots: Positive = Field(default=5, description="Images of each class.")
    classes: Positive | None = Field(
        default=100, description="Most source classes that are used; null for all."
    )
    rounds: Annotated[Positive, Field(le=10000)] = Field(
        default=1, description="Times that the subset of images is drawn anew (T of Algorithm 1)."
    )
    train_norm: TrainNorm = False


class DomainOptions(Options):
    """Domain episodes: phi_s1 tuned on few and on many images of domains made from the source."""

    count: Positive = Field(
        default=52, description="Domains to learn from: neighbouring classes in a random style."
    )
    held_out: Positive = Field(
        default=8, description="Domains of held-out classes, on which the GEMs are scored."
    )
    classes: Positive = Field(default=12, description="Classes of a domain.")
    shots: tuple[Positive, Positive] = Field(
        default=(2, 10), description="Fewest and most images of a domain's few: of one class."
    )
    few_steps: Steps = Field(default=12, description="Training steps on the few images.")
    few_batch: Batch = 8
    few_learning_rate: Rate = Field(
        default=2e-4, description="Learning rate of generator and critic on the few images."
    )
    many_steps: Steps = Field(default=32, description="Training steps on all images of a domain.")
    many_batch: Batch = 8
    many_learning_rate: Rate = Field(
        default=4e-4, description="Learning rate of generator and critic on all of them."
    )

    @model_validator(mode="after")
    def _fewest_before_most(self) -> Self:
        if self.shots[0] > self.shots[1]:
            raise ValueError(f"shots {list(self.shots)} are not in order: fewest first")
        return self


class TargetOptions(ClassConsistencyOptions):
    """phi_t: plain steps on the rare images, then steps with the GEMs plugged in."""

    start: Literal["random", "weak", "strong"] = Field(
        default="strong",
        description="Initial weights: those of the strong or the weak source generator, or "
        "`random` as in the paper.",
    )
    steps: Steps = Field(default=40, description="Training steps without GEMs.")
    gems: Boolean = Field(default=True, description="Whether the GEMs are used.")
    tune_steps: Steps = Field(
        default=40, description="Training steps with the GEMs plugged in; unused without them."
    )
    batch: Batch = 16
    train_norm: TrainNorm = False
    jitter: Share = Field(
        default=0.0,
        description="Strength of small affine changes of the image pairs shown to the critic.",
    )
    evaluate_every: Count = Field(
        default=0,
        description="Steps from one evaluation of the last part to the next: it stops early "
        "once generated images get no better in class similarity, diversity and copies, and keeps "
        "the best moment; 0 takes every step and keeps the last.",
    )
    require_similarity: Boolean = Field(
        default=True,
        description="Whether `adapt` ends with an error where generated images don't look like the "
        "rare ones to the general net.",
    )
    train: Literal["all", "decoder", "head", "gems"] = Field(
        default="all",
        description="Layers that learn: all, those behind the encoder, or the final convolutions; "
        "GEMs always do. `gems` leaves the generator as it is and tunes GEMs alone, from the "
        "first step on.",
    )
    gem_strength: Boolean = Field(
        default=True,
        description="Whether GEMs that learned from domain episodes are plugged into every target "
        "once it is trained, at the strength of 0, .25, .5, .75 or 1 at which generated images "
        "are best.",
    )
