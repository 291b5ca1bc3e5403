"""Where the bundles and recipes that ship with l2laug lie: in the wheel, or in a checkout."""

from __future__ import annotations

from pathlib import Path


def shipped(kind: str) -> Path:
    """The folder of shipped ``"models"`` or ``"recipes"``."""
    package = Path(__file__).resolve().parents[1]
    inside = package / kind
    return inside if inside.is_dir() else package.parent / kind
