"""What the parts of one command share: where they compute, where they report, their seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from l2laug.core.progress import Progress
from l2laug.runtime.device import Engine, pick_engine


@dataclass(frozen=True)
class Session:
    """Engine, progress and seed of one command.

    Attributes:
        engine: device and precision.
        progress: where to show how far it is.
        seed: of everything random.
    """

    engine: Engine
    progress: Progress
    seed: int = 0

    @classmethod
    def start(
        cls, device: str = "auto", progress: Progress | None = None, seed: int = 0
    ) -> Session:
        """A session on ``auto``, ``cpu`` or ``cuda``; without ``progress`` it shows nothing.

        Raises:
            DeviceError: CUDA was asked for and is not there.
            UsageError: the device is none of the three.
        """
        return cls(pick_engine(device), progress or Progress(quiet=True), seed)

    def seeded(self, seed: int) -> Session:
        """The same session with another seed."""
        return replace(self, seed=seed)
