"""A run folder is written whole; of what was turned down a sheet is kept beside it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from l2laug.artifacts.names import MODEL
from l2laug.core.errors import QualityError
from l2laug.core.files import whole_folder
from l2laug.data.image_set import ImageSet


def write_run(
    learn: Callable[[ImageSet, Path, Path], tuple[str, ...]],
    support: ImageSet,
    folder: Path,
    run: Path,
) -> tuple[str, ...]:
    """Learn a class into its run folder, which appears whole or not at all; what is to be told."""
    with whole_folder(run, last=MODEL) as part:
        try:
            return learn(support, folder, part)
        except QualityError as error:
            raise _with_sheet(error, part, run) from error


def _with_sheet(error: QualityError, part: Path, run: Path) -> QualityError:
    """Keep the sheet of what was turned down, beside where the run would be, and name it."""
    rejected = run.with_name(f"{run.name}.rejected")
    rejected.mkdir(exist_ok=True)
    for name in ("sheet.png", "options.yaml"):
        (part / name).replace(rejected / name)
    return QualityError(error.fact, f"Look at {rejected / 'sheet.png'}. {error.remedy}")
