"""List bundles: those that ship with l2laug or some folders, and whether their files are whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from l2laug.artifacts import bundle


@dataclass(frozen=True)
class BundleState:
    """A bundle as it is listed.

    Attributes:
        name: the bundle's.
        path: its folder.
        size: side of its images in pixels.
        channels: 1 for grey, 3 for RGB.
        description: what it was trained on.
        problems: files that are missing or not what was written, a line each.
    """

    name: str
    path: Path
    size: int
    channels: int
    description: str
    problems: list[str]


def list_bundles(paths: Sequence[Path] = ()) -> list[BundleState]:
    """Verify bundles against their checksums.

    Args:
        paths: their folders; the shipped ones if there are none.

    Raises:
        BundleError: at one of the paths is no bundle, or one of another format.
    """
    found = [bundle.open_bundle(p) for p in paths] if paths else bundle.list_bundles()
    return [
        BundleState(b.name, b.path, b.size, b.channels, str(b.info["description"]), b.problems())
        for b in found
    ]
