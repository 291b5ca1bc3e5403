"""Recipe keys of the networks: generator, critic, GEMs and feature net."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from l2laug.config.fields import (
    Boolean,
    Options,
    Positive,
    Rate,
    Share,
    ShareBelowHalf,
    Steps,
    Whole,
    Width,
    Widths4,
    Widths5,
    not_boolean,
)

DECODER_BLOCKS = 5


class GeneratorOptions(Options):
    """The generator of Table 1: image size, channels and widths.

    With ``warp`` above 0 it warps the given image by a flow field and composites what it draws
    over it through a mask; at 0 it draws every pixel, as in the paper. Not ``conditioned``, it is
    the phi(z) that the paper writes, where it builds phi(x, z): it and its critic see a blank
    image in place of the given one.
    """

    conditioned: Boolean = Field(
        default=True,
        description="Whether an image is generated from a given image and a latent; false, as the "
        "paper writes it, is from a latent alone (then `critic.group` is 1 and `generator.warp` "
        "and every `class_consistency` are 0).",
    )
    size: Annotated[Whole, Field(ge=32, le=1024)] = Field(
        default=32,
        description="Height and width in pixels: a multiple of 16; `auto` takes that of the source "
        "images, from 32 to 128.",
    )
    channels: Literal[1, 3] = Field(
        default=1, description="1 for grey, 3 for RGB; `auto` takes those of the source images."
    )
    encoder: Widths4 = Field(
        default=(64, 64, 128, 128), description="Channels of the four encoder layers (Table 1)."
    )
    decoder: Widths5 = Field(
        default=(128, 128, 64, 64, 64),
        description="Channels of the five decoder blocks (Table 1).",
    )
    latent: Width = Field(default=100, description="Length of the latent vector.")
    noise_channels: tuple[Width, ...] = Field(
        default=(8, 4, 2),
        min_length=1,
        max_length=4,
        description="Channels by which the latent enters the first decoder blocks.",
    )
    warp: Share = Field(
        default=0.0,
        description="Largest displacement of the flow field that warps the given image, as a share "
        "of its side; 0, as in the paper, draws every pixel anew.",
    )
    warp_maps: Boolean = Field(
        default=False,
        description="Whether encoder maps are warped too on their way to the later decoder "
        "blocks; needs `generator.warp`.",
    )
    clip_margin: ShareBelowHalf = Field(
        default=0.0,
        description="Share of the range of pixel values and of the mask that is clipped off "
        "at either end, so that pure black and white are reached.",
    )

    @field_validator("channels", mode="before")
    @classmethod
    def _channels_are_a_number(cls, channels: object) -> object:
        return not_boolean(channels)

    @model_validator(mode="after")
    def _size_fits(self) -> Self:
        if self.size % 16:
            raise ValueError(f"size {self.size} does not halve four times: use a multiple of 16")
        return self


class CriticOptions(Options):
    """The pair critic: widths, and how many pairs share their given image."""

    width: Width = Field(default=32, description="Channels of its first layer.")
    max_width: Width = Field(
        default=256, description="Most channels of a layer; they double at each halving up to this."
    )
    group: Annotated[Whole, Field(ge=1, le=4096)] = Field(
        default=4,
        description="Pairs of a batch that share their given image, over which the critic sees how "
        "much images vary; every `batch` is a multiple of it.",
    )

    @model_validator(mode="after")
    def _widths_grow(self) -> Self:
        if self.max_width < self.width:
            raise ValueError(f"max_width {self.max_width} is below width {self.width}")
        return self


class GemOptions(Options):
    """The GEMs of Table 2 and how they learn the step from phi_s2 to phi_s1."""

    type: Literal[1, 2, 3] = Field(default=3, description="Layers of a GEM, as in Table 2.")
    positions: tuple[Annotated[Whole, Field(ge=0, lt=DECODER_BLOCKS)], ...] = Field(
        default=(0, 1, 2),
        description="Decoder blocks that a GEM follows, 0 to 4; [] for no GEMs.",
    )
    residual: Boolean = Field(
        default=True,
        description="Whether a GEM adds to its input and starts as the identity; false as in the "
        "paper.",
    )
    norm: Literal["l1", "l2"] = Field(
        default="l1", description="Norm of the difference between feature maps."
    )
    strategy: Literal["A", "B", "C"] = Field(
        default="C",
        description="A: one GEM after another, shallow to deep; B: the shallower ones go on "
        "learning meanwhile; C: all at once.",
    )
    steps: Steps = Field(default=600, description="Training steps of each stage.")
    batch: Annotated[Whole, Field(ge=1, le=4096)] = Field(
        default=32, description="Images per step."
    )
    learning_rate: Rate = Field(default=1e-3, description="Learning rate (Adam).")
    own_loss_only: Boolean = Field(
        default=False,
        description="Whether a deep GEM's loss leaves the shallower ones alone, as in the paper.",
    )
    episodes: Literal["classes", "domain"] = Field(
        default="classes",
        description="What GEMs learn the step from few to many images of: the source `classes`, "
        "as in the paper, or a new `domain`, see the keys of `domains`.",
    )
    meta_rounds: Annotated[Whole, Field(ge=0, le=1000)] = Field(
        default=0,
        description="Passes of first-order meta-learning over the domain episodes afterwards, for "
        "GEMs that are to be tuned alone (`target.train: gems`).",
    )
    meta_steps: Steps = Field(
        default=10,
        description="Steps on a domain's few images in such a pass; as many follow on all.",
    )
    meta_rate: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.5,
        description="Share of the way to a domain's GEMs that the start goes; falls to 0.",
    )
    meta_learning_rate: Rate = Field(
        default=1e-3, description="Learning rate (Adam) of the GEMs in such a pass."
    )

    @field_validator("type", mode="before")
    @classmethod
    def _type_is_a_number(cls, kind: object) -> object:
        return not_boolean(kind)

    @model_validator(mode="after")
    def _positions_differ(self) -> Self:
        if len(set(self.positions)) != len(self.positions):
            raise ValueError("positions name one decoder block twice")
        return self


class FeatureOptions(Options):
    """The small classifier of the source classes whose features score images."""

    width: Width = Field(default=32, description="Channels of its first layer.")
    steps: Steps = 3000
    batch: Annotated[Positive, Field(le=65536)] = Field(default=64, description="Images per step.")
    learning_rate: Rate = Field(
        default=2e-3, description="Peak learning rate (AdamW, one-cycle schedule)."
    )
