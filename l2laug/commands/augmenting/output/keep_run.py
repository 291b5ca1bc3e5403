"""Keep a model that samples were drawn from, to draw more."""

from __future__ import annotations

import shutil
from pathlib import Path

from l2laug.artifacts.names import MODEL
from l2laug.artifacts.run import Run
from l2laug.core.files import whole_folder


def keep_run(run: Run, place: Path) -> None:
    """Copy a run folder; what is in ``place`` goes.

    Raises:
        OutputError: ``place`` can't be written.
    """
    with whole_folder(place, last=MODEL) as part:
        shutil.copytree(run.folder, part, dirs_exist_ok=True)
