"""Typed, strict recipes: every choice of the method, read from YAML, unknown keys rejected."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from l2laug.config.change import ChangeOptions, ChangeTrainingOptions
from l2laug.config.fields import Options, Positive, Seed, Whole
from l2laug.config.methods import FUSE, L2L, MethodName, MethodTrainingOptions
from l2laug.config.networks import CriticOptions, FeatureOptions, GemOptions, GeneratorOptions
from l2laug.config.training import (
    AdversarialOptions,
    BaseOptions,
    ClassConsistencyOptions,
    DomainOptions,
    RegisteredOptions,
    SourceOptions,
    TargetOptions,
    WeakOptions,
)

__all__ = [
    "AdversarialOptions",
    "BaseOptions",
    "ClassAugmentation",
    "ClassConsistencyOptions",
    "CriticOptions",
    "DataOptions",
    "DomainOptions",
    "FeatureOptions",
    "GemOptions",
    "GeneratorOptions",
    "Recipe",
    "RegisteredOptions",
    "SourceOptions",
    "TargetOptions",
    "WeakOptions",
]

ClassAugmentation = Literal["rot90", "flip", "invert"]


def _share_or_count(value: object) -> object:
    if isinstance(value, float) and 0 <= value < 1:
        return value
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError(
        f"{value!r} is neither a share from 0 to below 1 nor a whole number of classes"
    )


class DataOptions(Options):
    """Which source classes are learned from, and which are held out to score on.

    See :mod:`l2laug.data.pseudo_classes` and :mod:`l2laug.data.class_augmentation`.
    """

    min_images: Annotated[Whole, Field(ge=2)] = Field(
        default=2, description="Fewest images of a class that is used."
    )
    held_out: Annotated[float | int, BeforeValidator(_share_or_count)] = Field(
        default=0.1,
        description="Classes held out for `l2laug score`, one at least.",
        json_schema_extra={"values": "share < 1, or whole number of classes"},
    )
    classes: Annotated[Whole, Field(ge=2)] | None = Field(
        default=None,
        description="Classes to learn from; all others are held out, whatever `data.held_out` "
        "says.",
    )
    pseudo_classes: Positive = Field(
        default=1,
        description="Above 1, each class folder is split by k-means into at most so many classes "
        "of similar images: for few, large classes.",
    )
    class_augmentation: tuple[ClassAugmentation, ...] = Field(
        default=(),
        description="Changes that make another class of each class, in every combination: a "
        "quarter turn, a mirror image, a negative.",
    )
    seed: Seed = Field(default=0, description="Seed of the split and of k-means.")

    @field_validator("class_augmentation")
    @classmethod
    def _each_once(cls, changes: tuple[ClassAugmentation, ...]) -> tuple[ClassAugmentation, ...]:
        if len(set(changes)) != len(changes):
            raise ValueError("names one change twice")
        return changes


class Recipe(Options):
    """Everything that `pretrain` and `adapt` need to know beside the images."""

    name: str = Field(min_length=1, max_length=100, description="Shown to people.")
    description: str = Field(default="", description="Shown to people.")
    method: MethodName = Field(
        default="l2l",
        description="What is trained: `l2l`, the paper's method, or one of the others, see "
        "[methods.md](methods.md).",
    )
    data: DataOptions = Field(default=DataOptions(), description="Source and held-out classes")
    generator: GeneratorOptions = Field(default=GeneratorOptions(), description="Generator")
    critic: CriticOptions = Field(default=CriticOptions(), description="Critic of image pairs")
    source: SourceOptions = Field(
        default=SourceOptions(), description="Training of the strong source generator"
    )
    weak: WeakOptions = Field(
        default=WeakOptions(), description="Training of the weak source generator"
    )
    gems: GemOptions = Field(default=GemOptions(), description="GEMs")
    domains: DomainOptions = Field(
        default=DomainOptions(), description="Domain episodes (`gems.episodes: domain`)"
    )
    base: BaseOptions = Field(
        default=BaseOptions(), description="Training on base classes (`l2laug adapt --base`)"
    )
    target: TargetOptions = Field(default=TargetOptions(), description="Training on the rare class")
    features: FeatureOptions = Field(
        default=FeatureOptions(), description="Feature net, and prototype classifier"
    )
    change: ChangeOptions | None = Field(
        default=None, description="Parts of a change; given, the generator is one of changes"
    )
    change_training: ChangeTrainingOptions = Field(
        default=ChangeTrainingOptions(), description="Training of a generator of changes"
    )
    method_training: MethodTrainingOptions = Field(
        default=MethodTrainingOptions(), description="Keys of methods other than `l2l`"
    )

    @model_validator(mode="before")
    @classmethod
    def _no_class_by_default_where_none_is_told(cls, data: Any) -> Any:
        """The default of base.class_consistency suits a conditioned generator; else it is 0."""
        if not isinstance(data, dict):
            return data
        generator, base = data.get("generator"), data.get("base", {})
        if isinstance(generator, dict):
            conditioned = generator.get("conditioned", True)
        else:
            conditioned = getattr(generator, "conditioned", True)
        if conditioned is False and isinstance(base, dict):
            return data | {"base": {"class_consistency": 0.0} | base}
        return data

    @model_validator(mode="after")
    def _consistency_has_a_class_to_ask_for(self) -> Self:
        for name in ("source", "base", "target"):
            if not self.generator.conditioned and getattr(self, name).class_consistency:
                raise ValueError(
                    f"{name}.class_consistency asks for a class, which phi(z) is not told: use 0"
                )
        return self

    @model_validator(mode="after")
    def _method_reads_what_is_set(self) -> Self:
        if unread := self.method_training.unread(self.method):
            named = ", ".join(f"method_training.{key}" for key in unread)
            raise ValueError(f"method {self.method} does not read {named}: leave it out")
        if self.method == L2L:
            return self
        wrong = {
            "change": self.change is not None,
            "generator.warp": bool(self.generator.warp),
            "generator.conditioned": not self.generator.conditioned,
            "critic.group": self.critic.group != 1,
            "source.class_consistency": bool(self.source.class_consistency),
        }
        if named := ", ".join(key for key, is_set in wrong.items() if is_set):
            raise ValueError(
                f"method {self.method} has no {named}, which is l2l's"
                + (": set critic.group to 1" if wrong["critic.group"] else ": leave it out")
            )
        if self.method in FUSE and self.generator.latent < self.method_training.shots:
            raise ValueError(
                f"generator.latent {self.generator.latent} is below method_training.shots "
                f"{self.method_training.shots}, a weight of each of which comes from it"
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
    def _gems_that_are_used_are_there(self) -> Self:
        if self.target.gems and not self.gems.positions:
            raise ValueError(
                "target.gems uses GEMs, and gems.positions names none: set target.gems to false"
            )
        if self.target.train == "gems" and not self.gems.positions:
            raise ValueError(
                "target.train tunes GEMs, and gems.positions names none: set target.train to all"
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
        for name in ("few_batch", "many_batch"):
            batch = getattr(self.domains, name)
            if self.gems.episodes == "domain" and batch % self.critic.group:
                raise ValueError(
                    f"domains.{name} {batch} is no multiple of critic.group {self.critic.group}"
                )
        return self
