"""A report as Markdown, from the plain data of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from l2laug.reports.tables import markdown_table, mean_cell

CHANGE = "{with} over {without} (95% interval)"
IN_WORDS = {
    "classical": "classical augmentation alone",
    "oversampling": "oversampling, the best training without samples,",
    "none": "no augmentation, the best training without samples,",
    "classical + l2laug": "samples beside classical augmentation",
    "l2laug": "samples without classical augmentation",
}
COLUMNS = ("accuracy", "macro_f1", "rare_recall", "rare_precision", "rare_f1")
ABOUT_ARMS = (
    "`none` draws every class in proportion to its images. All others draw the rare class as often "
    "as an average class: `oversampling` repeats its real images, `classical` also applies random "
    "photometric and affine augmentation to every image, and those with l2laug replace a share of "
    "its draws by samples. The verdict compares the better of the two with samples with the best "
    "of the three without."
)

ABOUT_SCORES = (
    "In brackets: the 5th to 95th percentile over random halves of the real images; for copies the "
    "95% interval. The column of real images is the real-vs-real baseline: the score of real "
    "images against other real images at the same set sizes."
)
COMPARABLE = "Scores compare only with those of the same extractor and set sizes."


def render(evaluation: dict[str, Any]) -> str:
    """The report that a person reads; every number comes from ``evaluation``."""
    counts, extractor = evaluation["counts"], evaluation["extractor"]
    lines = [f"# {evaluation['class_name']}: are the samples any good?", ""]
    if evaluation["classifier"]:
        lines += [f"**{verdict_line(evaluation)}**", ""]
    lines += [
        f"{counts['samples']} samples, {counts['support']} support images, "
        f"{counts['real_held_out']} real images of the class held out.",
        "",
    ]
    if evaluation["measures"]:
        head = ("score", "samples", "real images", "set sizes", "reading")
        lines += [
            *markdown_table(head, map(cells_of, evaluation["measures"].values())),
            "",
            ABOUT_SCORES,
            "",
            f"Features: {extractor['name']}, SHA-256 {extractor['sha256'][:12]}, resizing: "
            f"{extractor['resizing']}. {COMPARABLE}",
        ]
    lines += ["", *[f"- {note}" for note in evaluation["notes"]], ""]
    if evaluation["classifier"]:
        lines += _classifier_table(evaluation["classifier"], counts)
    return "\n".join(lines)


def measure_line(measure: dict[str, Any]) -> str:
    """One measure for a terminal: the samples' score, its baseline and their reading."""
    said = f"{measure['name']}: {measure['value']:.4g}"
    if measure["baseline"] is not None:
        said += f" (real images {measure['baseline']:.4g})"
    said += f", {measure['samples']} against {measure['real']} images: {measure['reading']}"
    return f"{said}. Too few. {measure['too_small']}" if measure["too_small"] else f"{said}."


def cells_of(measure: dict[str, Any]) -> tuple[str, str, str, str, str]:
    """A measure's row: name, score of the samples, baseline, set sizes and reading."""
    words = measure["reading"]
    if measure["too_small"]:
        words = f"too few images: {measure['too_small']} So far: {words}"
    return (
        measure["name"],
        _with_range(measure["value"], measure["low"], measure["high"]),
        _with_range(measure["baseline"], measure["baseline_low"], measure["baseline_high"]),
        f"{measure['samples']} with {measure['real']} real",
        words,
    )


def _with_range(value: float | None, low: float | None, high: float | None) -> str:
    return "-" if value is None else f"{value:.4g} ({low:.3g} to {high:.3g})"


def verdict_line(evaluation: Mapping[str, Any]) -> str:
    """The verdict in one sentence with its figures, and what to do now."""
    verdict = evaluation["classifier"]["verdict"]
    saying = {
        "helps": "The samples help",
        "hurts": "The samples hurt: do not use them",
        "unclear": "It is unclear whether the samples help",
    }[verdict["word"]]
    compared = evaluation["classifier"]["compared"]
    return (
        f"{saying}: F1 of {evaluation['class_name']} changes by {verdict['difference']:+.3f} with "
        f"{IN_WORDS[compared['with']]} over {IN_WORDS[compared['without']]} (95% interval "
        f"{verdict['low']:+.3f} to {verdict['high']:+.3f}). {evaluation['classifier']['advice']}"
    )


def _classifier_table(classifier: dict[str, Any], counts: dict[str, int]) -> list[str]:
    study = classifier["study"]
    lines = [
        f"## Classifier: {study['model']}, {study['steps']} steps, {study['seeds']} seeds",
        "",
        f"Trained on {counts['train']} real images, tested on {counts['test']}. "
        "Mean and standard deviation over the seeds.",
        "",
    ]
    head = ["training", *(c.replace("_", " ") for c in COLUMNS)]
    lines += markdown_table(head, training_rows(classifier))
    return [*lines, "", ABOUT_ARMS, ""]


def training_rows(classifier: Mapping[str, Any]) -> list[list[str]]:
    """A row for each kind of training and one for what samples change, with its 95 % interval."""
    rows = []
    for name, outcomes in by_training(classifier).items():
        cells = [[o[column] for o in outcomes] for column in COLUMNS]
        rows.append([name, *map(mean_cell, cells)])
    found = [classifier["changes"][column] for column in COLUMNS]
    shown = [f"{c['difference']:+.3f} ({c['low']:+.3f} to {c['high']:+.3f})" for c in found]
    return [*rows, [CHANGE.format(**classifier["compared"]), *shown]]


def by_training(classifier: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Outcomes by arm, and by the share of samples where it is not the one the verdict is of."""
    found: dict[str, list[dict[str, Any]]] = {}
    for outcome in classifier["outcomes"]:
        name = outcome["arm"]
        if outcome["share"] not in (0, classifier["study"]["share"]):
            name += f", {outcome['share']:g} of the class from samples"
        found.setdefault(name, []).append(outcome)
    return found
