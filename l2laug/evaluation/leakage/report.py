"""What is told of near-identical images and groups: records for JSON, notes for a reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from l2laug.evaluation.leakage.near_identical import Pair, nearest_pairs

SUPPORT, TRAIN, TEST, LEFT_OUT = "support", "train", "test", "left out"
REPEATED = "repeated"  # near-identical to another test image, which counts for both
NAMED = 5  # files, in a note


@dataclass(frozen=True)
class NearIdentical:
    """An image that is near-identical to another one, and where the two stand.

    Attributes:
        file, other: their paths.
        side, other_side: of both, ``support``, ``train``, ``test``, ``left out``, or ``repeated``
            for what is near-identical to another test image of its class and not counted again.
        symmetry: what brings the other to the first: how it is turned or mirrored; may be empty.
        bits: of 255 of the perceptual hash that differ.
        correlation: of what the hash comes from.
        similarity: cosine of general features, where it had to tell; else None.
    """

    file: str
    side: str
    other: str
    other_side: str
    symmetry: str
    bits: int
    correlation: float
    similarity: float | None


def records(
    pairs: Sequence[Pair], paths: Sequence[Path], sides: Sequence[str]
) -> tuple[NearIdentical, ...]:
    """A record for each image that is near-identical to an earlier one, with the nearest of these.

    Args:
        pairs: the nearest first.
        paths: of all images.
        sides: where each of them stands.
    """
    return tuple(
        NearIdentical(
            str(paths[pair.second]),
            sides[pair.second],
            str(paths[pair.first]),
            sides[pair.first],
            pair.symmetry,
            pair.bits,
            round(pair.correlation, 4),
            None if pair.similarity is None else round(pair.similarity, 4),
        )
        for pair in nearest_pairs(pairs)
    )


def notes(
    found: Sequence[NearIdentical],
    paths: Sequence[Path],
    sides: list[str],
    groups: Sequence[str | None],
    rare: Sequence[bool],
) -> list[str]:
    """Sentences on what was kept on one side, left out, and can't be told for lack of groups.

    Args:
        found: near-identical images.
        paths: of all images.
        sides: where each of them stands.
        groups: the group of each, None where it has none; or nothing at all.
        rare: whether each is of the rare class.
    """
    said = list[str]()
    if found:
        told = ", ".join(f"{_short(n.file)} and {_short(n.other)}" for n in found[:NAMED])
        said.append(
            f"{_images(len(found))} near-identical to another one, perhaps turned or mirrored, and "
            f"never tested on where that is trained on: {told}{_more(found)}."
        )
    if repeated := sides.count(REPEATED):
        said.append(
            f"{_images(repeated)} near-identical to another test image, which counts for both."
        )
    if out := [path for path, side in zip(paths, sides, strict=True) if side == LEFT_OUT]:
        told = ", ".join(_short(path) for path in out[:NAMED])
        said.append(
            f"{_images(len(out))} left out of the tests for being near-identical to images that "
            f"adapt or training sees{', or of their groups' if groups else ''}: "
            f"{told}{_more(out)}."
        )
    if groups:
        said += _of_groups(paths, sides, groups, rare)
    return said


def _of_groups(
    paths: Sequence[Path],
    sides: Sequence[str],
    groups: Sequence[str | None],
    rare: Sequence[bool],
) -> list[str]:
    said = list[str]()
    if alone := [path for path, group in zip(paths, groups, strict=True) if group is None]:
        said.append(
            f"{len(alone)} of {len(paths)} images have no group by --groups, {_short(alone[0])} "
            "for one: each stands for itself."
        )
    tested = Counter(
        path if group is None else group
        for path, side, group, is_rare in zip(paths, sides, groups, rare, strict=True)
        if side == TEST and is_rare
    )
    if len(tested) == 1 and tested.total() > 1:
        said.append(
            "All test images of the rare class are of one group: what is found of it says little "
            "of other groups."
        )
    return said


def _images(count: int) -> str:
    return "1 image is" if count == 1 else f"{count} images are"


def _more(everything: Sequence[object]) -> str:
    return f" and {len(everything) - NAMED} more" if len(everything) > NAMED else ""


def _short(path: Path | str) -> str:
    return "/".join(Path(path).parts[-2:])
