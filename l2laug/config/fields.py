"""Types that recipe fields share: what a value may be, and for some what it means."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, StrictBool

Boolean = StrictBool


class Options(BaseModel):
    """A part of a recipe: unknown keys fail, values stay as they are, numbers are finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def not_boolean(value: object) -> object:
    """Refuse true and false, which Python and pydantic take for 1 and 0.

    Raises:
        ValueError: it is one of the two.
    """
    if isinstance(value, bool):
        raise ValueError(f"should be a number, not {str(value).lower()}")
    return value


# Text is let through to pydantic: YAML 1.1 reads 5e-4 as text.
NotBoolean = BeforeValidator(not_boolean)
Weight = Annotated[float, Field(ge=0), NotBoolean]
Share = Annotated[float, Field(ge=0, le=1), NotBoolean]
ShareBelow1 = Annotated[float, Field(ge=0, lt=1), NotBoolean]
ShareBelowHalf = Annotated[float, Field(ge=0, lt=0.5), NotBoolean]
Rate = Annotated[float, Field(gt=0, le=1), NotBoolean]

Whole = Annotated[int, Strict()]
Count = Annotated[Whole, Field(ge=0)]
Positive = Annotated[Whole, Field(ge=1)]
Width = Annotated[Whole, Field(ge=1, le=4096)]
Seed = Annotated[Whole, Field(ge=0, le=2**32 - 1)]
Widths4 = tuple[Width, Width, Width, Width]
Widths5 = tuple[Width, Width, Width, Width, Width]

Steps = Annotated[Whole, Field(ge=0, le=100_000_000, description="Training steps.")]
Batch = Annotated[
    Whole,
    Field(ge=2, le=4096, description="Image pairs per step; a multiple of `critic.group`."),
]
LearningRate = Annotated[Rate, Field(description="Learning rate of the generator (Adam).")]
CriticLearningRate = Annotated[Rate, Field(description="Learning rate of the critic (Adam).")]
ConsistencyWeight = Annotated[
    Weight,
    Field(
        description="Weight of the class-consistency loss: a frozen prototype classifier has to "
        "recognise the class of generated images; 0, as in the paper, leaves it out."
    ),
]
TrainNorm = Annotated[
    Boolean,
    Field(
        description="Whether batch norm learns from these few images; false keeps the statistics "
        "of the strong source generator, except where `start` is `random`."
    ),
]
