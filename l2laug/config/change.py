"""How a change generator changes images, and how it learns to."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from l2laug.config.fields import Boolean, NotBoolean, Options, Share, ShareBelow1, Weight, Whole

Limit = Annotated[float, Field(gt=0), NotBoolean]


class ChangeOptions(Options):
    """The parts of a change and how far each may go.

    An affine motion, a flow, a tone curve for each channel and a drawn difference, applied to the
    given image in this order.
    """

    affine: Boolean = Field(default=True, description="Rotate, scale, stretch and shift the image.")
    flow: Boolean = Field(default=True, description="Deform the image by a smooth flow field.")
    tone: Boolean = Field(default=True, description="Curve the tones of each channel.")
    draw: Boolean = Field(default=False, description="Add a drawn difference through a mask.")
    strength: Share = Field(
        default=1.0, description="Largest strength of a part that adapt tries; 1: as learned."
    )
    turn: Limit = Field(default=3.1416, description="Largest rotation in radians.")
    scale: Limit = Field(default=0.5, description="Largest logarithm of the scale.")
    stretch: Limit = Field(
        default=0.25, description="Largest logarithm of the aspect ratio's change."
    )
    shift: Limit = Field(default=0.25, description="Largest shift, as a share of the side.")
    warp: Limit = Field(
        default=0.15, description="Largest displacement by the flow, a share of the side."
    )
    gain: Limit = Field(default=0.5, description="Largest logarithm of a channel's gain.")
    bias: Limit = Field(
        default=0.3, description="Largest offset of a channel, of values in [0, 1]."
    )
    gamma: Limit = Field(default=0.6, description="Largest logarithm of a channel's gamma.")


class ChangeTrainingOptions(Options):
    """How a change generator learns from pairs of images that can be turned into one another.

    Pairs are an image and one of its nearest neighbours of the class in general features.
    """

    steps: Whole = Field(default=6000, ge=0, description="Training steps on the source classes.")
    base_steps: Whole = Field(
        default=150, ge=0, description="Steps on the user's classes with --base."
    )
    batch: Whole = Field(default=32, ge=2, description="Pairs a step.")
    learning_rate: Limit = Field(
        default=1e-3, description="Of Adam, constant, then to zero by a cosine."
    )
    base_learning_rate: Limit = Field(default=3e-4, description="The same with --base.")
    neighbours: Whole = Field(
        default=6, ge=1, description="Nearest images that may be the other of a pair."
    )
    average: ShareBelow1 = Field(default=0.995, description="Decay of the averaged weights.")
    grey: Share = Field(default=0.1, description="Share of pairs shown in grey.")
    pyramid: Weight = Field(default=40.0, description="Weight of the L1 pyramid distance.")
    features: Weight = Field(default=20.0, description="Weight of the cosine distance of features.")
    kl_weight: Weight = Field(
        default=0.02, description="Weight of each nat the latent tells of a pair."
    )
    prior: Weight = Field(
        default=1.0, description="Weight of the latents' covariance, against the prior's."
    )
    hold: Weight = Field(
        default=10.0, description="Weight of the set's kept brightness and contrast."
    )
    contrast: Weight = Field(default=10.0, description="Weight of each image's kept contrast.")
    critic: Weight = Field(
        default=0.0, description="Weight of a projected critic's score of free changes; 0: none."
    )
    critic_learning_rate: Limit = Field(
        default=4e-4, description="Of Adam for the projected critic, constant."
    )
    drawn: Weight = Field(default=2.0, description="Weight of the drawn difference's mean size.")
    near: Weight = Field(default=20.0, description="Weight of free changes beyond the neighbours.")
    outside: Weight = Field(default=2.0, description="Weight of reading beyond the image.")
    smooth: Weight = Field(default=20.0, description="Weight of the grid's second differences.")
    turn: Weight = Field(
        default=0.5, description="Weight of the distance to the best of eight turns."
    )
