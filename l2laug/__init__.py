"""l2laug: turn a few images of a rare class into a data set that helps a classifier.

The functions and the class named in ``__all__`` live in :mod:`l2laug.api`, which is loaded once one
of them is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from l2laug.api import Model, adapt, augment, evaluate, load, pretrain, sample

__version__ = "0.2.0"
__all__ = ["Model", "__version__", "adapt", "augment", "evaluate", "load", "pretrain", "sample"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from l2laug import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
