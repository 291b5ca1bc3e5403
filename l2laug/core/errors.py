"""The errors that l2laug raises: one root, a message of fact and remedy, an exit code each."""

from __future__ import annotations

NOTHING_ADDED = 10  # exit code of augment where it is done and no sample is worth adding: no error


class L2lAugError(Exception):
    """Root of every error raised on purpose; ``exit_code`` is what the command line returns.

    Args:
        fact: what is wrong, naming the file or option.
        remedy: what to do about it.
    """

    exit_code = 1

    def __init__(self, fact: str, remedy: str = "") -> None:
        self.fact = fact
        self.remedy = remedy
        super().__init__(f"{fact} {remedy}".strip())


class UsageError(L2lAugError):
    """An option or argument can't be right (exit code 2)."""

    exit_code = 2


class MissingExtraError(UsageError):
    """What was asked for needs packages of an extra that is not installed (exit code 2)."""


class ImageError(L2lAugError):
    """Images are missing or can't be read (exit code 3)."""

    exit_code = 3


class BundleError(L2lAugError):
    """A bundle or model is missing, damaged or does not fit (exit code 4)."""

    exit_code = 4


class RecipeError(L2lAugError):
    """A recipe has unknown keys or values that can't be (exit code 5)."""

    exit_code = 5


class OutputError(L2lAugError):
    """An output exists already or can't be written (exit code 6)."""

    exit_code = 6


class DeviceError(L2lAugError):
    """A device was asked for that this machine does not have (exit code 7)."""

    exit_code = 7


class QualityError(L2lAugError):
    """Nothing that an adaptation makes of a class passes its quality checks (exit code 9)."""

    exit_code = 9


class MemoryLimitError(L2lAugError):
    """There is less memory than the work takes (exit code 11)."""

    exit_code = 11


class GateError(L2lAugError):
    """An evaluation does not meet what was demanded of it (exit code 8)."""

    exit_code = 8
