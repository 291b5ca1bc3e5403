"""Time actions against a baseline in the same run: in turn, several times, median with range."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Ratio:
    """How long an action takes, in times of the baseline's in the same round, or how fast it is.

    Attributes:
        action: what was timed.
        baseline: what it was timed against.
        median: of the rounds.
        low: the smallest of them.
        high: the largest of them.
        rounds: how many.
    """

    action: str
    baseline: str
    median: float
    low: float
    high: float
    rounds: int

    @property
    def name(self) -> str:
        """What is compared."""
        return f"{self.action} over {self.baseline}"


def time_in_turn(
    actions: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, list[float]]:
    """Seconds of each action in each round, after one round that does not count.

    Every other round goes backwards, so that none always follows the same one.
    """
    for act in actions.values():
        act()
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for round_ in range(rounds):
        for name in list(actions)[:: -1 if round_ % 2 else 1]:
            start = time.perf_counter()
            actions[name]()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def ratio(seconds: Mapping[str, list[float]], action: str, baseline: str) -> Ratio:
    """How many times as long one of two actions takes, round by round.

    Args:
        seconds: what :func:`time_in_turn` found.
        action: one of them.
        baseline: another.
    """
    found = [a / b for a, b in zip(seconds[action], seconds[baseline], strict=True)]
    return _summary(action, baseline, found)


def speed(seconds: Mapping[str, list[float]], action: str, baseline: str) -> Ratio:
    """How many times as fast it is; see :func:`ratio`."""
    found = [b / a for a, b in zip(seconds[action], seconds[baseline], strict=True)]
    return _summary(action, baseline, found)


def _summary(action: str, baseline: str, found: list[float]) -> Ratio:
    return Ratio(action, baseline, statistics.median(found), min(found), max(found), len(found))


def show(ratios: list[Ratio], facts: Mapping[str, object], *, as_json: bool) -> None:
    """Print what was found, for a person or as JSON."""
    if as_json:
        print(
            json.dumps(
                {"ratios": [{"name": r.name} | asdict(r) for r in ratios], "facts": dict(facts)}
            )
        )
        return
    for name, value in facts.items():
        print(f"{name}: {value}")
    width = max(len(r.action) for r in ratios)
    for r in ratios:
        times = (
            f"{r.median:.3g} times {r.baseline} ({r.low:.3g} to {r.high:.3g}, {r.rounds} rounds)"
        )
        print(f"{r.action:<{width}}  {times}")
