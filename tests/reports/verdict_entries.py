"""What a head says of samples, as a study gives it, for tests of reports."""

from __future__ import annotations

from typing import Any

SCORES = (
    "accuracy",
    "macro_f1",
    "rare_recall",
    "rare_precision",
    "rare_f1",
    "rare_f1_at_best",
    "rare_auc",
)


def arm(name: str, accuracies: tuple[float, ...], strength: float | None = None) -> dict[str, Any]:
    scores = {score: [0.5] * len(accuracies) for score in SCORES} | {"accuracy": list(accuracies)}
    samples = "samples" in name
    return {"name": name, "samples": samples, "strength": strength, "rate": 0.01, **scores}


def recall(name: str, without: float, with_samples: float) -> dict[str, Any]:
    sides = {
        side: {"value": v, "low": v - 0.125, "high": v + 0.125, "count": 40}
        for side, v in (("without", without), ("with", with_samples))
    }
    return {"class": name, "count": 40, "change": with_samples - without, **sides}


def entry(head: str = "probe", verdict: str = "hurts", rare: str = "cracks") -> dict[str, Any]:
    change = {"difference": -0.2, "low": -0.3, "high": 0.25}
    return {
        "head": head,
        "verdict": verdict,
        "best_with": "classical + samples",
        "best_without": "classical",
        "change": -0.1234,
        "interval": [-0.2, -0.04],
        "arms": [
            arm("none", (0.5, 0.5)),
            arm("classical", (0.8, 1.0), 1.5),
            arm("classical + samples", (0.7, 0.7), 0.25),
        ],
        "changes": dict.fromkeys(SCORES, change),
        "recalls": [recall(rare, 0.25, 0.5), recall("other", 0.75, 0.625)],
        "loses_most": recall("other", 0.75, 0.625),
        "confusion": {"without": [[7.5, 1], [2, 6]], "with": [[8, 0], [1, 7]]},
        "classes": [rare, "other"],
        "notes": [],
        "advice": "Leave them out.",
        "study": {
            "classifier": "a frozen net",
            "rate": "C",
            "train": 321,
            "seeds": 2,
            "tuning": "Tuned alike.",
            "flips": "Flips allowed: none.",
        },
    }
