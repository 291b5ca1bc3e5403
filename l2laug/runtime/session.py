"""What the parts of one command share: where they compute, where they report, their seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from l2laug.core.errors import UsageError
from l2laug.core.progress import Progress

if TYPE_CHECKING:
    from l2laug.runtime.device import Engine

DEVICES = ("auto", "cpu", "cuda")


class Session:
    """Engine, progress and seed of one command.

    Args:
        engine: device and precision; or a device's name, for which one is picked once it is asked
            for: that takes torch, seconds that not every command has to spend.
        progress: where to show how far it is.
        seed: of everything random.
    """

    def __init__(self, engine: Engine | str, progress: Progress, seed: int = 0) -> None:
        self._engine = engine
        self.progress = progress
        self.seed = seed

    @classmethod
    def start(
        cls, device: str = "auto", progress: Progress | None = None, seed: int = 0
    ) -> Session:
        """A session on ``auto``, ``cpu`` or ``cuda``; without ``progress`` it shows nothing.

        Raises:
            UsageError: the device is none of the three.
        """
        if device not in DEVICES:
            raise UsageError(f"--device {device} is unknown.", "Use auto, cpu or cuda.")
        return cls(device, progress or Progress(quiet=True), seed)

    @property
    def engine(self) -> Engine:
        """Device and precision.

        Raises:
            DeviceError: CUDA was asked for and is not there.
        """
        if isinstance(self._engine, str):
            from l2laug.runtime.device import pick_engine

            self._engine = pick_engine(self._engine)
        return self._engine

    @property
    def device(self) -> str:
        """``auto``, ``cpu`` or ``cuda``: what the engine is, or is to be."""
        return self._engine if isinstance(self._engine, str) else self._engine.device.type

    def seeded(self, seed: int) -> Session:
        """The same session with another seed."""
        return Session(self._engine, self.progress, seed)

    def showing(self, progress: Progress) -> Session:
        """The same session, reporting elsewhere."""
        return Session(self._engine, progress, self.seed)
