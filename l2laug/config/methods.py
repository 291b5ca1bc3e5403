"""Which method a recipe trains, and the keys of the methods other than the paper's own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from l2laug.config.fields import Options, ShareBelow1

L2L = "l2l"
MethodName = Literal["l2l", "dagan"]

LEARN_RARE: frozenset[str] = frozenset()  # methods that learn a rare class, each by itself

FEWEST: dict[str, int] = {}  # images that a rare class needs, where one is not enough

# Which keys of a recipe's method_training each method reads.
READS: dict[str, tuple[str, ...]] = {
    "l2l": (),
    "dagan": ("dropout",),
}


class MethodTrainingOptions(Options):
    """Keys of a method other than `l2l`; each method reads its own, others keep their default."""

    dropout: ShareBelow1 = Field(
        default=0.5,
        description="`dagan`: share of the decoder's channels left out in training.",
    )

    def unread(self, method: str) -> list[str]:
        """The keys that are set and mean nothing to a method."""
        return [
            key
            for key, field in type(self).model_fields.items()
            if key not in READS[method] and getattr(self, key) != field.default
        ]
