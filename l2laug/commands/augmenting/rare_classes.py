"""Which classes of a data set are filled, and up to how many images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median_high

from l2laug.core.errors import UsageError

OF_MEDIAN, OF_LARGEST = 3, 10
MEDIAN, MAX = "median", "max"


@dataclass(frozen=True)
class RareClasses:
    """The classes to fill.

    Attributes:
        names: of them, in the data set's order.
        target: images of each there shall be, real and drawn together.
        rule: how they were found, in a sentence.
    """

    names: tuple[str, ...]
    target: int
    rule: str


def find_rare(counts: Mapping[str, int], to_count: str | None, named: Sequence[str]) -> RareClasses:
    """The rare classes, and how many images each shall have.

    Named ones are taken as they are. Otherwise, with ``to_count``, all that have fewer; without,
    those that have fewer images than a third of what the median class has, or than a tenth of what
    the largest has: the first finds a few small classes among many, the second many small ones
    beside one that is large. They are filled to the median of the others. Of an even number of
    classes the median is the larger of the two in the middle.

    Args:
        counts: images to learn from, of each class.
        to_count: a number, ``median``, ``max``, or None.
        named: classes that the user calls rare.

    Raises:
        UsageError: a named class is not there, or ``to_count`` is no count.
    """
    if unknown := [name for name in named if name not in counts]:
        raise UsageError(
            f"--rare: there is no class {', '.join(unknown)}.",
            f"There are {', '.join(sorted(counts))}.",
        )
    there = [count for count in counts.values() if count]
    if not there:
        raise UsageError("No class has an image to learn from.", "Put some into train.")
    typical, largest = median_high(there), max(there)
    given = None if to_count is None else _count(to_count, typical, largest)
    if named:
        names, rule = tuple(name for name in counts if name in named), "named by --rare"
    elif given is not None:
        names = tuple(name for name, count in counts.items() if 0 < count < given)
        rule = f"fewer than {given} images (--to-count {to_count})"
    else:
        limit = max(typical / OF_MEDIAN, largest / OF_LARGEST)
        names = tuple(name for name, count in counts.items() if 0 < count < limit)
        rule = (
            f"fewer than {limit:.0f} images: a third of the median class ({typical}) or a tenth "
            f"of the largest ({largest})"
        )
    others = [count for name, count in counts.items() if count and name not in names]
    target = given if given is not None else median_high(others) if others else largest
    return RareClasses(names, target, rule)


def _count(text: str, typical: int, largest: int) -> int:
    if text in (MEDIAN, MAX):
        return typical if text == MEDIAN else largest
    if not text.isdecimal() or not int(text):
        raise UsageError(f"--to-count {text} is no count.", "Give a number, median or max.")
    return int(text)
