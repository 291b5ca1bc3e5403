"""A report as Markdown, from the plain data of an evaluation."""

from __future__ import annotations

from typing import Any

import numpy as np

COLUMNS = ("accuracy", "macro_f1", "rare_recall", "rare_precision", "rare_f1")


def render(evaluation: dict[str, Any]) -> str:
    """The report that a person reads; every number comes from ``evaluation``."""
    counts, scores = evaluation["counts"], evaluation["scores"]
    lines = [f"# {evaluation['class_name']}: are the samples any good?", ""]
    if evaluation["classifier"]:
        lines += [f"**{verdict_line(evaluation)}**", ""]
    lines += [
        f"{counts['samples']} samples, {counts['support']} support images, "
        f"{counts['real_kept_back']} real images of the class kept back.",
        "",
        "| score | value | read it as |",
        "|---|---|---|",
    ]
    extractor = evaluation["extractor"]
    explained = {
        "fid": f"lower is nearer to real; {extractor['name']}, {extractor['sha256'][:12]}",
        "spread_samples": "mean feature distance between samples",
        "spread_real": "the same between real images; samples should come near it",
        "copies": "share of samples nearer to a support image than real images are",
    }
    lines += [f"| {name} | {value:.3f} | {explained[name]} |" for name, value in scores.items()]
    lines += ["", *[f"- {note}" for note in evaluation["notes"]], ""]
    if evaluation["classifier"]:
        lines += _classifier_table(evaluation["classifier"], counts)
    return "\n".join(lines)


def verdict_line(evaluation: dict[str, Any]) -> str:
    """The verdict in one sentence with its figures."""
    verdict = evaluation["classifier"]["verdict"]
    saying = {
        "helps": "The samples help",
        "hurts": "The samples hurt: do not use them",
        "unclear": "It is unclear whether the samples help",
    }[verdict["word"]]
    return (
        f"{saying}: F1 of {evaluation['class_name']} changes by {verdict['difference']:+.3f} "
        f"over classical augmentation alone (95% interval {verdict['low']:+.3f} to "
        f"{verdict['high']:+.3f})."
    )


def _classifier_table(classifier: dict[str, Any], counts: dict[str, int]) -> list[str]:
    study = classifier["study"]
    lines = [
        f"## Classifier: {study['model']}, {study['steps']} steps, {study['seeds']} seeds",
        "",
        f"Trained on {counts['train']} real images, tested on {counts['test']}. "
        "Mean and standard deviation over the seeds.",
        "",
        "| training | " + " | ".join(c.replace("_", " ") for c in COLUMNS) + " |",
        "|---" * (len(COLUMNS) + 1) + "|",
    ]
    arms = dict.fromkeys(o["arm"] for o in classifier["outcomes"])
    for arm in arms:
        cells = []
        for column in COLUMNS:
            values = [o[column] for o in classifier["outcomes"] if o["arm"] == arm]
            cells.append(f"{np.mean(values):.3f} ± {np.std(values):.3f}")
        lines.append(f"| {arm} | " + " | ".join(cells) + " |")
    return [*lines, ""]
