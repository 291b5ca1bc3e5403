"""Typed, strict recipes: every choice of the method, read from YAML, unknown keys rejected."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Widths4 = tuple[int, int, int, int]
Widths5 = tuple[int, int, int, int, int]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


ClassAugmentation = Literal["rot90", "flip", "invert"]


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class GeneratorOptions(_Options):
    """The generator of Table 1: image size, channels and widths.

    With ``warp`` above 0 it warps the given image, by up to that share of its side, and draws over
    it; at 0 it draws all, as in the paper. ``clip_margin`` is the share of the way from the middle
    to either end of its colours, and of its mask, that is clipped away to reach pure ends. Not
    ``conditioned``, it is the phi(z) that the paper writes, where it builds phi(x, z): it and its
    critic see a blank image in place of the given one.
    """

    conditioned: bool = True
    size: Positive = 32
    channels: Literal[1, 3] = 1
    encoder: Widths4 = (64, 64, 128, 128)
    decoder: Widths5 = (128, 128, 64, 64, 64)
    latent: Positive = 100
    noise_channels: tuple[Positive, ...] = Field(default=(8, 4, 2), min_length=1, max_length=4)
    warp: Share = 0.0
    warp_maps: bool = False
    clip_margin: Annotated[float, Field(ge=0, lt=0.5)] = 0.0

    @model_validator(mode="after")
    def _size_fits(self) -> Self:
        if self.size % 16 or self.size < 32:
            raise ValueError(
                f"size {self.size} does not halve four times to 2 or more: "
                "use a multiple of 16, 32 or larger"
            )
        return self


class CriticOptions(_Options):
    """The pair critic: widths, and how many pairs share their given image.

    The first layer's width is doubled at each halving up to the largest. Every batch size of the
    recipe must be a multiple of ``group``.
    """

    width: Positive = 32
    max_width: Positive = 256
    group: Positive = 4


class AdversarialOptions(_Options):
    """How a generator and its critic are trained against each other."""

    steps: Count
    batch: Annotated[int, Field(ge=2)] = 32
    learning_rate: Annotated[float, Field(gt=0)] = 2e-4
    critic_learning_rate: Annotated[float, Field(gt=0)] = 2e-4
    betas: tuple[float, float] = (0.0, 0.99)
    loss: Literal["hinge", "wgan"] = "hinge"
    critic_steps: Positive = 1
    penalty: Annotated[float, Field(ge=0)] = 0.02
    penalty_every: Positive = 8
    average: Share = 0.999
    decay_from: Share = 1.0


class ClassConsistencyOptions(AdversarialOptions):
    """An adversarial training in which a frozen feature net has to recognise what is drawn.

    ``class_consistency`` is how much that weighs; 0, as in the paper, leaves the prototype
    classifier out.
    """

    class_consistency: Annotated[float, Field(ge=0)] = 0.0


class RegisteredOptions(ClassConsistencyOptions):
    """A training that may also learn to warp the given image onto the one that it is paired with.

    It does by a latent that an encoder reads off the two. ``registration`` is how much the
    difference weighs; ``kl_weight`` how much each nat that the latent tells about the pair.
    """

    registration: Annotated[float, Field(ge=0)] = 0.0
    kl_weight: Annotated[float, Field(ge=0)] = 0.01


class SourceOptions(RegisteredOptions):
    """phi_s1, the strong source generator."""

    steps: Count = 12000


class BaseOptions(RegisteredOptions):
    """Base classes of the user's own, learned along with the rare ones before those are tuned.

    No more than ``images`` of each are used, and no more than ``classes``.
    """

    steps: Count = 400
    batch: Annotated[int, Field(ge=2)] = 16
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    critic_learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    class_consistency: Annotated[float, Field(ge=0)] = 2.0
    images: Annotated[int, Field(ge=2)] = 100
    classes: Positive = 100


class WeakOptions(AdversarialOptions):
    """phi_s2, the weak source generator: few images of each source class."""

    steps: Count = 150
    start: Literal["random", "strong"] = "strong"
    shots: Annotated[int, Field(ge=1)] = 5
    classes: Positive | None = 100
    rounds: Positive = 1
    train_norm: bool = False


class GemOptions(_Options):
    """The GEMs of Table 2 and how they learn the step from phi_s2 to phi_s1."""

    type: Literal[1, 2, 3] = 3
    positions: tuple[Annotated[int, Field(ge=0, le=4)], ...] = (0, 1, 2)
    residual: bool = True
    norm: Literal["l1", "l2"] = "l1"
    strategy: Literal["A", "B", "C"] = "C"
    steps: Count = 600
    batch: Positive = 32
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3

    @model_validator(mode="after")
    def _positions_differ(self) -> Self:
        if len(set(self.positions)) != len(self.positions):
            raise ValueError("positions name one decoder block twice")
        return self


class TargetOptions(ClassConsistencyOptions):
    """phi_t: plain steps on the rare images, then steps with the GEMs plugged in.

    With ``evaluate_every`` the last of these parts is looked at every so many steps, ends by itself
    and leaves its best moment; with 0 it takes all its steps and leaves the last. ``train`` names
    the layers that learn: all, those behind the encoder, or the final convolutions; GEMs always do.
    """

    start: Literal["random", "weak", "strong"] = "strong"
    steps: Count = 40
    gems: bool = True
    tune_steps: Count = 40
    batch: Annotated[int, Field(ge=2)] = 16
    train_norm: bool = False
    jitter: Share = 0.0
    evaluate_every: Count = 0
    train: Literal["all", "decoder", "head"] = "all"


class FeatureOptions(_Options):
    """The small classifier of the source classes whose features score images."""

    width: Positive = 32
    steps: Count = 3000
    batch: Positive = 64
    learning_rate: Annotated[float, Field(gt=0)] = 2e-3


class DataOptions(_Options):
    """Which source classes are learned from, and which are held out to score on.

    ``classes`` is how many are learned from, all others being held out whatever ``held_out`` says.
    ``pseudo_classes``, above 1, splits each class folder into so many classes, see
    :mod:`l2laug.data.pseudo_classes`; ``class_augmentation`` are changes that make
    another class of each, see :mod:`l2laug.data.class_augmentation`.
    """

    min_images: Annotated[int, Field(ge=2)] = 2
    held_out: Share | Count = 0.1
    classes: Annotated[int, Field(ge=2)] | None = None
    pseudo_classes: Positive = 1
    class_augmentation: tuple[ClassAugmentation, ...] = ()
    seed: int = 0

    @field_validator("class_augmentation")
    @classmethod
    def _each_once(cls, changes: tuple[ClassAugmentation, ...]) -> tuple[ClassAugmentation, ...]:
        if len(set(changes)) != len(changes):
            raise ValueError("names one change twice")
        return changes


class Recipe(_Options):
    """Everything that `pretrain` and `adapt` need to know beside the images."""

    name: str
    description: str = ""
    data: DataOptions = DataOptions()
    generator: GeneratorOptions = GeneratorOptions()
    critic: CriticOptions = CriticOptions()
    source: SourceOptions = SourceOptions()
    weak: WeakOptions = WeakOptions()
    gems: GemOptions = GemOptions()
    base: BaseOptions = BaseOptions()
    target: TargetOptions = TargetOptions()
    features: FeatureOptions = FeatureOptions()

    @model_validator(mode="after")
    def _consistency_has_a_class_to_ask_for(self) -> Self:
        if not self.generator.conditioned and self.source.class_consistency:
            raise ValueError(
                "source.class_consistency asks for a class, which phi(z) is not told: use 0"
            )
        return self

    @model_validator(mode="after")
    def _something_to_warp(self) -> Self:
        if not self.generator.conditioned and self.generator.warp:
            raise ValueError("generator.warp warps an image, which phi(z) is not given: use 0")
        return self

    @model_validator(mode="after")
    def _groups_share_what_they_are_given(self) -> Self:
        if not self.generator.conditioned and self.critic.group != 1:
            raise ValueError(
                "critic.group compares draws of one image, which phi(z) has not: use 1"
            )
        return self

    @model_validator(mode="after")
    def _warps_what_needs_it(self) -> Self:
        if self.generator.warp:
            return self
        if self.generator.warp_maps:
            raise ValueError("generator.warp_maps warps as far as it says: set generator.warp")
        for name in ("source", "base"):
            if getattr(self, name).registration:
                raise ValueError(
                    f"{name}.registration needs a generator that warps: set generator.warp"
                )
        return self

    @model_validator(mode="after")
    def _groups_fit(self) -> Self:
        for name in ("source", "weak", "base", "target"):
            batch = getattr(self, name).batch
            if batch % self.critic.group:
                raise ValueError(
                    f"{name}.batch {batch} is no multiple of critic.group {self.critic.group}"
                )
        return self
