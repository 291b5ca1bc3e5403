"""What an adapted model says of itself, kept in the metadata of its ONNX file."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from l2laug.core.errors import BundleError

KEY = "l2laug"
RANGES = {  # of whole numbers
    "size": (8, 4096),
    "channels": (1, 3),
    "latent": (1, 65536),
    "seed": (0, 2**32 - 1),
    "steps": (0, 2**40),
    "originals": (0, 100_000),
    "max_side": (1, 2**20),
}
WORDS = ("class_name", "bundle", "bundle_hash", "recipe", "recipe_hash", "version")
ORIGINAL = "l2laug.original"  # and a row: a support image at its own size
FORMAT = 5
READ = {4: {"gem_strength"}, 5: set[str]()}  # formats, and the fields that each lacks
TUPLES = ("support_hashes", "base_hashes", "strength")
PARTS = 4  # of a change, each with its strength
SHORT = 16  # letters of a base image's hash


@dataclass(frozen=True)
class Card:
    """What one adapted model says of itself.

    Attributes:
        class_name: the rare class, also the name of the folder its samples go to.
        size: side of the images in pixels.
        channels: 1 for grey, 3 for RGB.
        latent: how many normal numbers each image is drawn from.
        bundle: name of the bundle it grew from.
        bundle_hash: SHA-256 of that bundle's ``bundle.json``.
        recipe: the resolved recipe's name.
        recipe_hash: SHA-256 of the resolved recipe.
        version: of l2laug.
        seed: of the adaptation.
        steps: of the adaptation, in all.
        acceptance_threshold: a draw of a class similarity below this, from -1 to 1, is
            rejected.
        support_hashes: SHA-256 of each support image's pixels at this size, in the model's order.
        base_hashes: the first 16 letters of those of the base images it was learned along with.
        strength: of the parts of a change, from 0 to 1: affine motion, flow, tone, what is drawn.
        gem_strength: of the bundle's GEMs, from 0 to 1; none where none were plugged in.
        originals: how many support images the file holds at their own size.
        max_side: of those, in pixels; longer ones were reduced.
        format: of this card.
    """

    class_name: str
    size: int
    channels: int
    latent: int
    bundle: str
    bundle_hash: str
    recipe: str
    recipe_hash: str
    version: str
    seed: int
    steps: int
    acceptance_threshold: float
    support_hashes: tuple[str, ...]
    base_hashes: tuple[str, ...] = ()
    strength: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    gem_strength: float | None = None
    originals: int = 0
    max_side: int = 1024
    format: int = FORMAT

    def to_metadata(self) -> dict[str, str]:
        """For the ONNX file: one key with JSON behind it."""
        return {KEY: json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], source: str) -> Card:
        """Read what :meth:`to_metadata` wrote; ``source`` names the file in errors.

        Raises:
            BundleError: the file was not written by l2laug, or by one of another format, or its
                class is named so that samples would land outside their folder.
        """
        try:
            values = json.loads(metadata[KEY])
            found = values["format"]
        except (KeyError, ValueError, TypeError, RecursionError) as error:
            raise BundleError(
                f"{source} is not a model that l2laug adapt wrote.", "Give one that is."
            ) from error
        if isinstance(found, int) and found > FORMAT:
            raise BundleError(
                f"{source} has card format {found}, this l2laug reads {FORMAT}.",
                "Install a newer l2laug, or adapt again with this one.",
            )
        names = {f.name for f in fields(cls)}
        if not isinstance(found, int) or found not in READ or set(values) != names - READ[found]:
            raise BundleError(
                f"{source} has card format {found}, this l2laug reads {FORMAT}.",
                "Adapt again with this version.",
            )
        if wrong := _wrong(values):
            raise BundleError(
                f"{source} says impossible things of itself ({', '.join(wrong)}).",
                "Do not trust that file; adapt again.",
            )
        name = str(values["class_name"])
        if name in ("", "..") or Path(name).name != name or "\0" in name:
            raise BundleError(
                f"{source} names its class {name!r}, which is no folder's name.",
                "Do not trust that file; adapt again.",
            )
        hashes = {name: tuple(values[name]) for name in TUPLES}
        return cls(**(values | hashes | {"format": FORMAT}))


def _wrong(values: Mapping[str, Any]) -> list[str]:
    """Keys of a card whose values can't be."""
    wrong = [key for key in WORDS if not isinstance(values[key], str)]
    for key, (low, high) in RANGES.items():
        found = values[key]
        if type(found) is not int or not low <= found <= high:
            wrong.append(key)
    for key in TUPLES:
        kind = str if key != "strength" else (int, float)
        if not isinstance(values[key], list) or not all(isinstance(v, kind) for v in values[key]):
            wrong.append(key)
    threshold = values["acceptance_threshold"]
    if not isinstance(threshold, (int, float)) or not math.isfinite(threshold):
        wrong.append("acceptance_threshold")
    strength = values.get("gem_strength")  # not of every format
    if strength is not None and not (
        isinstance(strength, (int, float)) and math.isfinite(strength)
    ):
        wrong.append("gem_strength")
    if not wrong and (not values["support_hashes"] or len(values["strength"]) != PARTS):
        wrong.append("support_hashes" if not values["support_hashes"] else "strength")
    return wrong
