"""Bundles: find, verify and describe what source training left."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from l2laug.artifacts.names import INFO, LEARNED, METRICS
from l2laug.core.errors import BundleError
from l2laug.core.files import write_text
from l2laug.core.hashing import file_hash
from l2laug.core.resources import shipped

UNHASHED = ("README.md", METRICS)  # words may change, and no two trainings take as long
FORMAT = 2
NEEDED = {
    "name": str,
    "description": str,
    "files": dict,
    "source.classes": int,
    "source.similarity": float,
    "source.diversity": float,
    "source.general.median": float,
    "source.general.percentile_99": float,
    "recipe.generator.size": int,
    "recipe.generator.channels": int,
}


@dataclass(frozen=True)
class Bundle:
    """One bundle folder.

    Attributes:
        path: the folder.
        info: what ``bundle.json`` says: format, name, recipe, source, scores, files and hashes.
        digest: SHA-256 of ``bundle.json``, which names every other file's.
    """

    path: Path
    info: dict[str, Any]
    digest: str

    @property
    def name(self) -> str:
        """The bundle's name."""
        return str(self.info["name"])

    @property
    def size(self) -> int:
        """Side of its images in pixels."""
        return int(self.info["recipe"]["generator"]["size"])

    @property
    def channels(self) -> int:
        """1 for grey, 3 for RGB."""
        return int(self.info["recipe"]["generator"]["channels"])

    def file(self, name: str) -> Path:
        """The path of one of its files.

        Raises:
            BundleError: the bundle has no such file.
        """
        if name not in self.info["files"]:
            raise BundleError(
                f"Bundle {self.path} holds no {name}.", "Make it again with l2laug pretrain."
            )
        return self.path / name

    def learned(self) -> frozenset[str]:
        """The beginnings of the hashes of the images that its generator has seen, if it tells them.

        They are those of :func:`l2laug.data.base_classes.base_hashes`. Bundles that ship with
        l2laug tell none.
        """
        if LEARNED not in self.info["files"]:
            return frozenset()
        return frozenset(self.file(LEARNED).read_text(encoding="utf-8").split())

    def problems(self) -> list[str]:
        """What is wrong with its files, each in a line: missing, or not what was written."""
        found = []
        for name, wanted in self.info["files"].items():
            path = self.path / name
            if not path.is_file():
                found.append(f"{path} is missing.")
            elif file_hash(path) != wanted:
                found.append(f"{path} does not match its checksum.")
        return found


def open_bundle(path: Path) -> Bundle:
    """Read ``bundle.json`` of a bundle folder; the other files are not touched.

    Raises:
        BundleError: no bundle there, or one of another format.
    """
    info_path = path / INFO
    if not info_path.is_file():
        raise BundleError(
            f"No bundle at {path}: {INFO} is missing.",
            "See 'l2laug bundles' for those there are, or make one with l2laug pretrain.",
        )
    try:
        info = json.loads(info_path.read_text(encoding="utf-8"))
        found = info["format"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleError(
            f"{info_path} is damaged.", "Install or make the bundle again."
        ) from error
    if found != FORMAT:
        old = isinstance(found, int) and found < FORMAT
        raise BundleError(
            f"Bundle {path} has format {found}, this l2laug reads {FORMAT}.",
            "Pretrain it again, or install l2laug 0.1." if old else "Install a newer l2laug.",
        )
    if wrong := [key for key, kind in NEEDED.items() if not isinstance(_value(info, key), kind)]:
        raise BundleError(
            f"{info_path} is damaged: {', '.join(wrong)} missing or of the wrong kind.",
            "Install or make the bundle again.",
        )
    if outside := [name for name in info["files"] if Path(name).name != name or name == ".."]:
        raise BundleError(
            f"{info_path} names files outside of its folder: {', '.join(outside)}.",
            "Do not trust that bundle.",
        )
    return Bundle(path, info, file_hash(info_path))


def _value(info: Any, key: str) -> Any:
    for part in key.split("."):
        info = info.get(part) if isinstance(info, dict) else None
    return info


def list_bundles() -> list[Bundle]:
    """The bundles that ship with l2laug, by name."""
    folder = shipped("models")
    if not folder.is_dir():
        return []
    return [open_bundle(p) for p in sorted(folder.iterdir()) if (p / INFO).is_file()]


def find_bundle(name: str) -> Bundle:
    """A verified bundle by the name of a shipped one or by path.

    Raises:
        BundleError: there is none of that name, or its files do not match their checksums.
    """
    shipped_bundles = {b.name: b for b in list_bundles()}
    if name in shipped_bundles:
        bundle = shipped_bundles[name]
    elif (Path(name) / INFO).is_file():
        bundle = open_bundle(Path(name))
    else:
        known = ", ".join(shipped_bundles) or "none"
        raise BundleError(
            f"{name} is neither a bundle folder nor the name of a shipped bundle ({known}).",
            "See l2laug bundles.",
        )
    if problems := bundle.problems():
        raise BundleError(" ".join(problems), "Install or copy the bundle again.")
    return bundle


def write_learned(folder: Path, hashes: Iterable[str], start: Bundle | None = None) -> None:
    """Write which images a bundle's generator has seen, those of the bundle it started from too."""
    every = set(hashes) | (start.learned() if start else set())
    write_text(folder / LEARNED, "".join(f"{one}\n" for one in sorted(every)))


def write_info(folder: Path, info: dict[str, Any]) -> Bundle:
    """Write ``bundle.json``, hashing every other file of the folder; hidden files are left out."""
    files = sorted(
        p for p in folder.iterdir() if p.is_file() and p.name != INFO and p.name[0] != "."
    )
    hashed = {p.name: file_hash(p) for p in files if p.name not in UNHASHED}
    info = {"format": FORMAT, **info, "files": hashed}
    write_text(folder / INFO, json.dumps(info, indent=1, ensure_ascii=False) + "\n")
    return open_bundle(folder)
