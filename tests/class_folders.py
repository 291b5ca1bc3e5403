"""Class folders of some of the digits, and JSON read as strictly as it is written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, NoReturn


def copy_classes(source: Path, target: Path, numbers: dict[str, range]) -> Path:
    """Class folders of some of the digits, by their numbers."""
    for name, chosen in numbers.items():
        (target / name).mkdir(parents=True)
        for i in chosen:
            shutil.copy(source / name / f"{i:02d}.png", target / name)
    return target


def strict_json(path: Path) -> dict[str, Any]:
    def reject(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=reject)
