"""A study from images to verdicts: every head tunes, trains and tests every arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from l2laug.classification.study import Study, StudyData

if TYPE_CHECKING:
    from l2laug.classification.arms.registry import Arm
    from l2laug.classification.heads.head import Head
    from l2laug.classification.heads.probe import Embedding
    from l2laug.runtime.session import Session

ALL_FLIPS = ("mirror", "both", "turns")


@dataclass(frozen=True)
class Plan:
    """What all heads of a study share.

    Attributes:
        arms: that compete.
        flips: the sets of flips that classes survive.
        about_flips: how that is known, in a sentence.
    """

    arms: Sequence[Arm]
    flips: tuple[str, ...]
    about_flips: str


def classify(
    data: StudyData,
    study: Study,
    session: Session,
    folder: Path | None = None,
    embedding: Embedding | None = None,
) -> list[dict[str, Any]]:
    """Train classifiers without and with samples; an entry for each head, as plain data.

    What helps or hurts is asked a second time, with other parts held out to tune on and other
    trainings, and is unclear unless both say the same.

    Args:
        data: the images.
        study: heads, arms, flips, and how long and how often to train.
        session: engine and progress.
        folder: of a run; trainings of nets that are kept there are not repeated, and advice names
            it. None keeps nothing.
        embedding: of the probe, so that several studies of the same images look at them once.

    Returns:
        See :func:`summarise`; beside what it gives ``advice``, ``study`` (the classifier, its
        seeds, what tuning was given), and ``flips``.

    Raises:
        UsageError: there is no such head or arm, or a head can't take images of this size.
        BundleError: a head's weights are missing or do not fit.
        DeviceError: CUDA was asked for and can't be had.
        ImageError: an image can't be read again.
    """
    from l2laug.classification.arms.extras import relate
    from l2laug.classification.heads.probe import SIDE
    from l2laug.classification.heads.registry import build_head, check_heads
    from l2laug.classification.results_cache import ResultsCache
    from l2laug.classification.shapes import Shapes
    from l2laug.classification.summary import advise, confirm
    from l2laug.classification.verdict import UNCLEAR

    check_heads(study.heads)
    embedding, shapes = embedding or make_embedding(session), Shapes(data)
    seen = shapes.at(SIDE, 3)
    plan = make_plan(seen, study, embedding)
    relations = relate(seen, embedding.whole)
    cache = ResultsCache(folder / "classifier.jsonl" if folder else None)

    def head_of(name: str, study: Study) -> Head:
        return build_head(name, shapes, relations, embedding, study, session.engine, cache)

    entries = []
    for head in [head_of(name, study) for name in study.heads]:
        entry = _judge(head, data, plan, study, session)
        if entry["verdict"] != UNCLEAR:
            again = study.again
            session.progress.say(f"{head.name}: {entry['verdict']}; asked again to be sure")
            entry = confirm(entry, _judge(head_of(head.name, again), data, plan, again, session))
        tests = int((data.test.labels == data.test.classes.index(data.rare)).sum())
        entry["advice"] = advise(entry, tests, folder, len(data.samples))
        entries.append(entry)
    return entries


def make_embedding(session: Session) -> Embedding:
    """The frozen net that a probe looks through.

    Raises:
        BundleError: its weights are missing or damaged.
        DeviceError: CUDA was asked for and can't be had.
    """
    from l2laug.classification.heads.probe import Embedding
    from l2laug.features.general import load_general_net

    return Embedding(load_general_net(), session.engine)


def make_plan(data: StudyData, study: Study, embedding: Embedding) -> Plan:
    """Which arms compete, and which flips the classes survive."""
    from l2laug.classification.arms.flips import allowed_sets, find_symmetries, survived
    from l2laug.classification.arms.registry import choose_arms

    choose_arms(study.arms, ALL_FLIPS)  # so that what can't be is said before any work
    sets, told = {"yes": ALL_FLIPS, "no": ()}.get(study.flips), "as --flips says"
    if sets is None:
        base = np.flatnonzero(data.train.labels != data.label)
        shares = find_symmetries(data.train.pixels[base], data.train.labels[base], embedding.whole)
        sets = allowed_sets(survived(shares))
        told = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
        told = f"flipped images of the other classes are told from others: {told or 'too few'}"
    allowed = ", ".join(sets) or "none"
    return Plan(choose_arms(study.arms, sets), sets, f"Flips allowed: {allowed} ({told}).")


def _judge(
    head: Head, data: StudyData, plan: Plan, study: Study, session: Session
) -> dict[str, Any]:
    """One head's entry, but for the advice."""
    from l2laug.classification.summary import summarise
    from l2laug.classification.tuning import Tuner, count_trainings

    labels, seed, units = data.train.labels, study.seed, data.units
    total = count_trainings(head, plan.arms, labels, data.label, units)
    total += len(plan.arms) * study.seeds
    with session.progress.task(f"classifier {head.name}", total) as advance:
        tuner = Tuner(head, labels, data.label, plan.flips, advance, seed, units)
        tuned = []
        for arm in plan.arms:
            tuned.append(tuner.tune(arm))
            advance(0, note=f"{arm.name}: tuned")
        answers = {}
        for one in tuned:
            found = []
            for seed in study.training_seeds:
                found.append(head.answer(one.setting, one.rate, seed))
                advance(note=f"{one.arm.name}, seed {seed}")
            answers[one.arm.name] = found
    entry = summarise(head.name, tuned, answers, data.test, data.rare)
    entry["study"] = {
        **head.describe(),
        "seeds": study.seeds,
        "tuning": tuner.budget,
        "flips": plan.about_flips,
    }
    return entry
