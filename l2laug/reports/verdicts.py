"""What each kind of classifier says of the samples: sentences and tables, for all reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from l2laug.reports.tables import markdown_table, mean_cell

COLUMNS = (
    "accuracy",
    "macro_f1",
    "rare_recall",
    "rare_precision",
    "rare_f1",
    "rare_f1_at_best",
    "rare_auc",
)
SAYING = {
    "helps": "The samples help",
    "hurts": "The samples hurt: do not use them",
    "unclear": "It is unclear whether the samples help",
}
ABOUT_ARMS = (
    "`none` counts every class by its images. All others count the rare class as much as an "
    "average one: `oversampling` repeats its real images, `classical` changes light and shape of "
    "every image, `weighted`, `free-form`, `flips` and `erasing` do more on top of that, `cutmix`, "
    "`mixup` and `nearest` add mixed or borrowed images, those with samples give them a share of "
    "the class. Strengths and rates were chosen on training images alone. The verdict compares the "
    "best training with samples with the best without, by F1 of the rare class. Its F1 at the best "
    "decision threshold, set on other test images, has to say the same: a class that is only said "
    "more often is no help."
)
ABOUT_RECALLS = (
    "Share of a class's test images that are recognised, with its 95% Wilson interval over other "
    "test images of one training. Samples are not said to help where the rare class gains less "
    "recall than another class loses."
)

Entry = Mapping[str, Any]


def verdict_lines(evaluation: Mapping[str, Any]) -> list[str]:
    """A sentence for each head, and one more where heads differ."""
    entries = evaluation["verdicts"]
    lines = [verdict_line(evaluation["class_name"], entry) for entry in entries]
    words: dict[str, list[str]] = {}
    for entry in entries:
        words.setdefault(entry["verdict"], []).append(entry["head"])
    if len(words) > 1:
        told = "; ".join(f"{word} for {', '.join(heads)}" for word, heads in words.items())
        lines.append(f"Classifiers differ: {told}. Go by the one that you use.")
    return lines


def verdict_line(rare: str, entry: Entry) -> str:
    """One head's verdict in a sentence with its figures, and what to do now."""
    low, high = entry["interval"]
    line = (
        f"{entry['head']}: {SAYING[entry['verdict']]}: F1 of {rare} changes by "
        f"{entry['change']:+.3f} with {entry['best_with']}, over {entry['best_without']}, the best "
        f"training without samples (95% interval {low:+.3f} to {high:+.3f})."
    )
    if lost := entry["loses_most"]:
        line += f" Recall of {lost['class']} changes by {lost['change']:+.3f}, most of all others."
    return f"{line} {entry['advice']}" if entry.get("advice") else line


def arms_table(entry: Entry) -> tuple[list[str], list[list[str]]]:
    """Head and rows: a row for each arm, and one for what samples change, with its interval."""
    head = ["training", "strength", entry["study"]["rate"]]
    rows = [
        [
            arm["name"],
            _told(arm["strength"]),
            f"{arm['rate']:g}",
            *(mean_cell(arm[column]) for column in COLUMNS),
        ]
        for arm in entry["arms"]
    ]
    found = [entry["changes"][column] for column in COLUMNS]
    shown = [f"{c['difference']:+.3f} ({c['low']:+.3f} to {c['high']:+.3f})" for c in found]
    change = f"{entry['best_with']} over {entry['best_without']} (95% interval)"
    return [*head, *(c.replace("_", " ") for c in COLUMNS)], [*rows, [change, "-", "-", *shown]]


def recalls_table(entry: Entry) -> tuple[list[str], list[list[str]]]:
    """Head and rows: the recall of every class, without samples and with them."""
    head = ["class", "test images", entry["best_without"], entry["best_with"], "change"]
    return head, [
        [
            row["class"],
            str(row["count"]),
            *(
                f"{row[side]['value']:.3f} ({row[side]['low']:.3f} to {row[side]['high']:.3f})"
                for side in ("without", "with")
            ),
            f"{row['change']:+.3f}",
        ]
        for row in entry["recalls"]
    ]


def about_head(entry: Entry, counts: Mapping[str, int]) -> str:
    """What was trained, on what, and what tuning was given."""
    study = entry["study"]
    return (
        f"{study['classifier']}; {study['seeds']} seeds. Trained on {study['train']} real images, "
        f"tested on {counts['test']}. {study['tuning']} {study['flips']} Mean and standard "
        "deviation over the seeds."
    )


def markdown_section(entries: Sequence[Entry], counts: Mapping[str, int]) -> list[str]:
    """Tables of arms and of recalls, for each head."""
    lines: list[str] = []
    for entry in entries:
        lines += [f"## Classifier: {entry['head']}", "", about_head(entry, counts), ""]
        lines += [*markdown_table(*arms_table(entry)), "", ABOUT_ARMS, ""]
        lines += [*markdown_table(*recalls_table(entry)), "", ABOUT_RECALLS, ""]
    return lines


def _told(strength: float | str | None) -> str:
    if strength is None:
        return "-"
    return strength if isinstance(strength, str) else f"{strength:g}"
