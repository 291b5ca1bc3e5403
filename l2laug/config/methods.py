"""Which method a recipe trains, and the keys of the methods other than the paper's own."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from l2laug.config.fields import Options, Positive, Rate, ShareBelow1, Weight, Whole

L2L = "l2l"
MethodName = Literal["l2l", "dagan", "figr", "dawson", "matchinggan", "f2gan", "deltagan"]

LEARN_RARE = frozenset({"figr", "dawson"})  # they learn a rare class, each by itself
FUSE = frozenset({"matchinggan", "f2gan"})  # they draw from several images of a class at once
FEWEST = dict.fromkeys(FUSE, 2)  # images that a rare class needs, where one is not enough

# Which keys of a recipe's method_training each method reads.
READS: dict[str, tuple[str, ...]] = {
    "l2l": (),
    "dagan": ("dropout",),
    "figr": ("inner_steps", "inner_learning_rate"),
    "dawson": ("inner_steps", "inner_learning_rate"),
    "matchinggan": ("shots", "fusion_weights", "class_weight", "feature_weight", "match_weight"),
    "f2gan": (
        "shots",
        "class_weight",
        "feature_weight",
        "reconstruction_weight",
        "mode_seeking_weight",
        "mode_seeking_ratio",
        "regression_weight",
    ),
    "deltagan": (
        "class_weight",
        "feature_weight",
        "reconstruction_weight",
        "mode_seeking_weight",
    ),
}


class MethodTrainingOptions(Options):
    """Keys of a method other than `l2l`; each method reads its own, others keep their default."""

    shots: Annotated[Whole, Field(ge=2, le=64)] = Field(
        default=3, description="`matchinggan`, `f2gan`: images of a class that are fused."
    )
    dropout: ShareBelow1 = Field(
        default=0.5,
        description="`dagan`: share of the decoder's channels left out in training.",
    )
    fusion_weights: Literal["paper", "released"] = Field(
        default="paper",
        description="`matchinggan`: weights of the fused images: `paper`, by how much each "
        "image matches the latent; `released`, uniform from 1 to 10 and normalised.",
    )
    inner_steps: Positive = Field(
        default=10,
        description="`figr`, `dawson`: steps in which a rare class is learned; of `figr` also "
        "those within a training step.",
    )
    inner_learning_rate: Rate = Field(
        default=1e-3, description="`figr`, `dawson`: learning rate of these steps (SGD)."
    )
    class_weight: Weight = Field(
        default=1.0,
        description="`matchinggan`, `f2gan`, `deltagan`: weight of the source class's "
        "cross-entropy.",
    )
    feature_weight: Weight = Field(
        default=1.0,
        description="`matchinggan`, `f2gan`, `deltagan`: weight of the difference of the critic's "
        "features.",
    )
    match_weight: Weight = Field(
        default=0.1,
        description="`matchinggan`: weight of the squared difference between encodings of drawn "
        "and fused images.",
    )
    reconstruction_weight: Weight = Field(
        default=1.0,
        description="`f2gan`, `deltagan`: weight of the mean absolute difference of images.",
    )
    mode_seeking_weight: Weight = Field(
        default=0.01,
        description="`f2gan`, `deltagan`: weight of the mode-seeking loss, which asks of two "
        "latents for two images.",
    )
    mode_seeking_ratio: Literal["paper", "released"] = Field(
        default="paper",
        description="`f2gan`: `paper`, distance of weights over that of features is lowered; "
        "`released`, its inverse, which lowers variety.",
    )
    regression_weight: Weight = Field(
        default=1.0,
        description="`f2gan`: weight of the difference between the weights and those that a net "
        "reads off the drawn image.",
    )

    def unread(self, method: str) -> list[str]:
        """The keys that are set and mean nothing to a method."""
        return [
            key
            for key, field in type(self).model_fields.items()
            if key not in READS[method] and getattr(self, key) != field.default
        ]
