"""Run folders: where an adaptation's model, options, sheet, samples and report lie together."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from l2laug.artifacts.names import HOME, MODEL
from l2laug.core.errors import UsageError


@dataclass(frozen=True)
class Run:
    """One adapted model and the folder it lies in."""

    model: Path

    @property
    def folder(self) -> Path:
        """Where the run's other files lie."""
        return self.model.parent

    @property
    def samples(self) -> Path:
        """Where its samples go unless told otherwise."""
        return self.folder / "samples"


def find_run(given: Path | None) -> Run:
    """The run at a path (its folder or its model), or the newest below the current folder.

    Raises:
        UsageError: there is none.
    """
    if given is not None:
        model = given / MODEL if given.is_dir() else given
        if not model.is_file():
            raise UsageError(
                f"No adapted model at {given}.", "Give a run folder or a .onnx file of adapt's."
            )
        return Run(model)
    found = sorted(HOME.glob(f"*/{MODEL}"), key=lambda p: (p.stat().st_mtime_ns, str(p)))
    if not found:
        raise UsageError(
            f"No run to be found below {HOME}/.",
            "Start with l2laug adapt FOLDER, or name a run folder.",
        )
    return Run(found[-1])
