"""From finished trainings to what the report says of them: verdict, advice, notes, sweep."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from l2laug.classification.predictions import Labels, Trained, guesses_of, measure
from l2laug.classification.share_sweep import choose, cross_fit
from l2laug.classification.study import WITH, WITHOUT, Study
from l2laug.classification.verdict import FEWEST_TEST, Verdict, changes, decide
from l2laug.data.image_set import ImageSet

FEW_TEST = 30  # fewer, and one test image more or less moves recall by over three points


def find(
    trained: list[Trained],
    test: ImageSet,
    rare: str,
    study: Study,
    samples: int,
    run: Path,
) -> dict[str, Any]:
    """Outcomes, verdict, advice and notes of a study as plain data.

    Args:
        trained: every training of the study.
        test: the images it was tested on.
        rare: name of the rare class.
        study: its setting; the verdict is given at its ``share``.
        samples: how many there were.
        run: the folder of the adapted model, for the advice.
    """
    label, share = test.classes.index(rare), study.share
    truth = test.labels == label
    base, best = (better(arms, trained, test.labels, label, share) for arms in (WITHOUT, WITH))
    before, after = guesses_of(trained, base, 0.0), guesses_of(trained, best, share)
    without = before == label
    verdict = decide(truth, without, after == label)
    result: dict[str, Any] = {
        "outcomes": [asdict(measure(t, test.labels, len(test.classes), label)) for t in trained],
        "changes": {
            name: asdict(change)
            for name, change in changes(
                test.labels, len(test.classes), label, before, after
            ).items()
        },
        "classes": list(test.classes),
        "verdict": asdict(verdict),
        "compared": {"without": base, "with": best},
        "advice": advise(verdict, base, best, int(truth.sum()), run, samples, share),
        "notes": notes_on(verdict, int(truth.sum()), rare),
    }
    if study.sweep:
        by_share = {s: guesses_of(trained, best, s) for s in sorted({share, *study.sweep})}
        fitted = cross_fit(test.labels, label, by_share)
        fair = decide(truth, without, fitted == label)
        chosen = choose(test.labels, label, by_share)
        result["sweep"] = {"best": chosen, "verdict": asdict(fair)}
        shares = ", ".join(f"{s:g}" for s in by_share)
        result["notes"].append(
            f"Of the shares {shares} of samples {chosen:g} is best on the test images. With the "
            f"share chosen on other test images F1 of {rare} changes by {fair.difference:+.3f} "
            f"({fair.low:+.3f} to {fair.high:+.3f}): {fair.word}. The verdict itself is of "
            f"{share:g}, whatever the others gave."
        )
    return result


def better(
    arms: Sequence[str], trained: list[Trained], labels: Labels, rare: int, share: float
) -> str:
    """The arm whose mean F1 of the rare class is highest; the first of equals.

    Classical augmentation may do worse than none, where light or direction tell a class or where
    images are few, and a class that is seen more often may be found where it is not. So the best
    that there is with samples is compared with the best without: samples that beat only the worse
    are of no use, and such that do better alone are no worse for it.

    Args:
        arms: their names.
        trained: every training of the study.
        labels: ``(M,)`` the true classes.
        rare: which is the rare one.
        share: of samples, in arms that have them.
    """
    shares = {arm: share if arm in WITH else 0.0 for arm in arms}
    return choose(labels, rare, {arm: guesses_of(trained, arm, s) for arm, s in shares.items()})


def advise(
    verdict: Verdict, without: str, using: str, tests: int, run: Path, samples: int, share: float
) -> str:
    """What to do now, in a sentence.

    Args:
        verdict: that was given.
        without: the best training without samples.
        using: the better one with them.
        tests: how many images of the rare class were there to test on.
        run: the folder of the adapted model.
        samples: how many there were.
        share: of the rare class's draws that were samples.
    """
    if verdict.word == "helps":
        command = f"l2laug sample {shlex.quote(str(run))} -n {samples} -o augmented"
        beside = "with" if using == "classical + l2laug" else "without"
        return (
            f"Use them: {command}, then train {beside} classical augmentation and take {share:.0%} "
            "of the images of the class from augmented."
        )
    if verdict.word == "hurts":
        return {
            "classical": "Train with classical augmentation alone.",
            "oversampling": "Repeat the real images of the class, as they are.",
            "none": "Train on the real images as they are; the class need not be seen more often.",
        }[without]
    if verdict.from_seeds > 0.5 and tests >= FEWEST_TEST:
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
