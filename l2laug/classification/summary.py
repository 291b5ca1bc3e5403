"""From a head's trainings to what the report says of them: verdict, table of arms, advice."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from l2laug.classification.jackknife import ranking_pseudovalues
from l2laug.classification.predictions import Answers, Labels, Outcome, measure
from l2laug.classification.recalls import ClassRecall, class_recalls, loses_most
from l2laug.classification.thresholds import seen_at_best
from l2laug.classification.tuning import Tuned
from l2laug.classification.verdict import (
    FEWEST_TEST,
    UNCLEAR,
    Change,
    Verdict,
    changes,
    decide,
    f1,
    ranking_change,
)
from l2laug.data.image_set import ImageSet

FEW_TEST = 30  # fewer, and one test image more or less moves recall by over three points
AGAIN = ("verdict", "change", "interval", "best_with", "best_without")
SCORES = tuple(f.name for f in fields(Outcome) if f.name != "confusion")


def summarise(
    head: str,
    tuned: Sequence[Tuned],
    answers: Mapping[str, Sequence[Answers]],
    test: ImageSet,
    rare: str,
) -> dict[str, Any]:
    """What one head says of the samples, as plain data.

    Args:
        head: its name.
        tuned: its arms, with what was chosen for each.
        answers: of every training of each arm, by its name.
        test: the images it was tested on.
        rare: name of the rare class.

    Returns:
        ``head``, ``verdict`` (``helps``, ``hurts`` or ``unclear``), ``best_with`` and
        ``best_without`` (names of arms), ``change`` of F1 and its 95 % ``interval``,
        ``from_seeds`` (see :class:`Verdict`), ``again`` (see :func:`confirm`), ``arms`` with their
        scores, ``changes`` of every score, ``recalls`` of every class, ``loses_most`` (a recall or
        None), ``confusion`` of both arms, ``classes``, and ``notes``.
    """
    guesses = {name: np.stack([a.guesses for a in said]) for name, said in answers.items()}
    labels, count, label = test.labels, len(test.classes), test.classes.index(rare)
    sides = [[t.arm.name for t in tuned if t.arm.samples == which] for which in (False, True)]
    base, best = (choose(labels, label, {n: guesses[n] for n in names}) for names in sides)
    before, after = guesses[base], guesses[best]
    truth = labels == label
    verdict = decide(truth, before == label, after == label)
    recalls = class_recalls(labels, test.classes, before, after)
    margins = [np.stack([a.margins for a in answers[name]]) for name in (base, best)]
    at_best = decide(truth, *(seen_at_best(truth, side) for side in margins))
    verdict, moved = only_threshold(verdict, at_best, rare)
    verdict, paid = at_others_cost(verdict, recalls, rare)
    return {
        "head": head,
        "verdict": verdict.word,
        "best_with": best,
        "best_without": base,
        "change": verdict.difference,
        "interval": [verdict.low, verdict.high],
        "from_seeds": verdict.from_seeds,
        "again": None,
        "arms": [_arm(t, answers[t.arm.name], labels, count, label) for t in tuned],
        "changes": {
            name: asdict(change)
            for name, change in changes(labels, count, label, before, after).items()
        }
        | {
            "rare_auc": asdict(ranking_change(truth, *margins)),
            "rare_f1_at_best": asdict(Change(at_best.difference, at_best.low, at_best.high)),
        },
        "recalls": [r.plain() for r in recalls],
        "loses_most": lost.plain() if (lost := loses_most(recalls, rare)) else None,
        "confusion": {
            "without": _confusion(before, labels, count, label),
            "with": _confusion(after, labels, count, label),
        },
        "classes": list(test.classes),
        "notes": moved + paid + notes_on(verdict, int(truth.sum()), rare),
    }


def confirm(entry: dict[str, Any], again: Mapping[str, Any]) -> dict[str, Any]:
    """An entry whose verdict stands if that of a second study with other seeds is the same.

    Else it is ``unclear``. ``again`` has the second one's ``verdict``, ``change``, ``interval``,
    ``best_with`` and ``best_without``.
    """
    told = {name: again[name] for name in AGAIN}
    if again["verdict"] == entry["verdict"]:
        return entry | {"again": told}
    note = (
        f"The first study says {entry['verdict']}, a second one with other seeds "
        f"{again['verdict']} (F1 {again['change']:+.3f}): the verdict is unclear."
    )
    return entry | {"verdict": UNCLEAR, "again": told, "notes": [*entry["notes"], note]}


def choose(labels: Labels, rare: int, guesses: Mapping[str, Labels]) -> str:
    """The arm whose mean F1 of the rare class is highest; the first of equals.

    What is best without samples depends on the data: augmentation may do harm where light or
    direction tell a class, and a class that is seen more often may be found where it is not. So the
    best that there is with samples is compared with the best without: samples that beat only a
    weaker training are of no use, and such that do better alone are no worse for it.
    """
    truth = labels == rare
    return max(guesses, key=lambda name: float(f1(truth, guesses[name] == rare).mean()))


def at_others_cost(
    verdict: Verdict, recalls: Sequence[ClassRecall], rare: str
) -> tuple[Verdict, list[str]]:
    """The verdict, ``unclear`` where it helps the rare class less than it costs another one.

    Args:
        verdict: on the rare class alone.
        recalls: of every class.
        rare: name of the rare class.

    Returns:
        The verdict and a note if it was changed.
    """
    gain = next((r.change for r in recalls if r.name == rare), 0.0)
    lost = loses_most(recalls, rare)
    if verdict.word != "helps" or lost is None or gain >= -lost.change:
        return verdict, []
    return replace(verdict, word=UNCLEAR), [
        f"F1 of {rare} rises, but its recall changes by {gain:+.3f} while that of {lost.name} "
        f"falls by {-lost.change:.3f}: that is not called help."
    ]


def only_threshold(verdict: Verdict, at_best: Verdict, rare: str) -> tuple[Verdict, list[str]]:
    """The verdict, ``unclear`` where it is another one with well-set decision thresholds.

    A classifier of few images says their class too seldom, and whatever makes it say that more
    often raises F1, noise too. So does a lower threshold, which costs nothing.

    Args:
        verdict: by F1.
        at_best: the same with thresholds set on other test images, see :func:`seen_at_best`.
        rare: name of the rare class.

    Returns:
        The verdict and a note if it was changed.
    """
    if verdict.word in (UNCLEAR, at_best.word):
        return verdict, []
    side = "rises" if verdict.word == "helps" else "falls"
    change = f"{at_best.difference:+.3f} ({at_best.low:+.3f} to {at_best.high:+.3f})"
    return replace(verdict, word=UNCLEAR), [
        f"F1 of {rare} {side}, but with well-set decision thresholds, without samples and with "
        f"them, it changes by {change}: the class may only be said more often or more seldom."
    ]


def _arm(
    tuned: Tuned, answers: Sequence[Answers], labels: Labels, classes: int, rare: int
) -> dict[str, Any]:
    outcomes = [measure(one.guesses, labels, classes, rare) for one in answers]
    margins = np.stack([one.margins for one in answers])
    return {
        "name": tuned.arm.name,
        "samples": tuned.arm.samples,
        "strength": tuned.strength if len(tuned.arm.strengths) > 1 or tuned.arm.changes else None,
        "share": tuned.setting.share,
        "rate": tuned.rate,
        "setting": asdict(tuned.setting),
        "loss": tuned.loss,
        **{name: [getattr(o, name) for o in outcomes] for name in SCORES},
        "rare_auc": ranking_pseudovalues(labels == rare, margins)[0].tolist(),
        "rare_f1_at_best": f1(labels == rare, seen_at_best(labels == rare, margins)).tolist(),
    }


def _confusion(guesses: Labels, labels: Labels, classes: int, rare: int) -> list[list[float]]:
    """Mean counts over the seeds."""
    matrices = [measure(guess, labels, classes, rare).confusion for guess in guesses]
    return [[float(v) for v in row] for row in np.mean(matrices, 0)]


def advise(entry: Mapping[str, Any], tests: int, run: Path | None, samples: int) -> str:
    """What to do now, in a sentence.

    Args:
        entry: see :func:`summarise`.
        tests: how many images of the rare class were there to test on.
        run: the folder of the adapted model, if there is one.
        samples: how many there were.
    """
    base, best, word = entry["best_without"], entry["best_with"], entry["verdict"]
    if word == "helps":
        share = next(arm["share"] for arm in entry["arms"] if arm["name"] == best)
        beside = best.removesuffix(" + samples") if best != "samples" else ""
        how = f"with {beside} augmentation" if beside else "without augmentation"
        if run is None:
            return f"Use them: train {how} and take {share:.0%} of the class's images from them."
        command = f"l2laug sample {shlex.quote(str(run))} -n {samples} -o augmented"
        return (
            f"Use them: {command}, then train {how} and take {share:.0%} of the images of the "
            "class from augmented."
        )
    if word == "hurts":
        return {
            "oversampling": "Repeat the real images of the class, as they are.",
            "none": "Train on the real images as they are; the class need not be seen more often.",
        }.get(base, f"Train with {base} alone.")
    if entry["from_seeds"] > 0.5 and tests >= FEWEST_TEST:
        return "More trainings would tell more: a larger --seeds."
    return "More test images of the class would tell more: --test."


def notes_on(verdict: Verdict, tests: int, rare: str) -> list[str]:
    """What the reader should know of the verdict where test images of the rare class are few."""
    if tests >= FEW_TEST:
        return []
    if tests < FEWEST_TEST:
        return [
            f"{tests} test images of {rare} are too few for a verdict: chance alone may favour one "
            f"side on all of them. It takes {FEWEST_TEST}, better {FEW_TEST}."
        ]
    half = (verdict.high - verdict.low) / 2
    return [
        f"{tests} test images of {rare} are few: a change of its F1 by less than about {half:.2f} "
        f"can't be told from chance here. {FEW_TEST} or more are better."
    ]
