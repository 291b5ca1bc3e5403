"""Gates: what a pipeline demands of an evaluation, and which demands it does not meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """One demand: its name, and why it is not met (empty if it is)."""

    name: str
    failure: str = ""


@dataclass(frozen=True)
class Gates:
    """Demands; None asks for nothing.

    Attributes:
        verdict: the word that the verdict of every classifier has to be.
        max_copies: the largest share of copies, 0 to 1.
        max_fid: the largest FID.
    """

    verdict: str | None = None
    max_copies: float | None = None
    max_fid: float | None = None

    def failures(self, evaluation: dict[str, Any]) -> list[str]:
        """Each demand that is not met, as a sentence; a missing score meets none."""
        return [check.failure for check in self.checks(evaluation) if check.failure]

    def checks(self, evaluation: dict[str, Any]) -> list[Check]:
        """Every demand, met or not.

        ``verdict`` ``unclear`` is met by ``helps`` too: it asks that the samples do not hurt.
        """
        found = []
        if self.verdict is not None:
            words = [f"{e['verdict']} ({e['head']})" for e in evaluation["verdicts"]]
            told = ", ".join(words) or "not asked for"
            failure = f"The verdict is {told}, where {self.verdict} was asked for."
            good = [e["verdict"] in (self.verdict, "helps") for e in evaluation["verdicts"]]
            met = bool(good) and all(good)
            found.append(Check(f"verdict is {self.verdict}", "" if met else failure))
        for name, limit in (("copies", self.max_copies), ("fid", self.max_fid)):
            if limit is not None:
                value = evaluation["scores"].get(name)
                found.append(Check(f"{name} at most {limit:g}", _over(name, value, limit)))
        return found


def _over(name: str, value: float | None, limit: float) -> str:
    if value is None:
        return f"There is no score for {name}, which must not pass {limit:g}."
    return f"{name} is {value:.4g}, more than {limit:g}." if value > limit else ""
