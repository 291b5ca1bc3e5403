"""A whole study: every head gives its own verdict in the form that scripts read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from l2laug.classification import run
from l2laug.classification.heads.head import Head
from l2laug.classification.heads.registry import check_heads
from l2laug.classification.run import Plan, classify
from l2laug.classification.study import Study, StudyData, usual_steps
from l2laug.core.errors import UsageError
from l2laug.runtime.session import Session
from tests.classification.heads.test_probe import squares
from tests.keywords import session


@pytest.fixture
def data() -> StudyData:
    return StudyData(
        squares((8, 2, 8), 0), squares((8, 8, 8), 1), "b", squares((0, 12, 0), 2).pixels
    )


def test_each_head_gives_a_verdict_on_the_same_images(data: StudyData):
    study = Study(("probe", "test_resnet"), ("oversampling",), "no", seeds=2, steps=2, batch=4)

    entries = classify(data, study, session())

    assert [e["head"] for e in entries] == ["probe", "test_resnet"]
    for entry in json.loads(json.dumps(entries)):
        assert entry["verdict"] in ("helps", "hurts", "unclear")
        assert (entry["best_without"], entry["best_with"]) == ("oversampling", "samples")
        assert [arm["name"] for arm in entry["arms"]] == ["oversampling", "samples"]
        f1 = {arm["name"]: np.mean(arm["rare_f1"]) for arm in entry["arms"]}
        assert entry["change"] == pytest.approx(f1["samples"] - f1["oversampling"])
        assert entry["interval"][0] <= entry["change"] <= entry["interval"][1]
        assert [r["class"] for r in entry["recalls"]] == ["a", "b", "c"]
        assert "Flips allowed: none" in entry["study"]["flips"]
        assert entry["advice"]


@pytest.mark.parametrize(
    ("first", "second", "verdict", "seeds"),
    [
        ("helps", "helps", "helps", [3, 4]),
        ("helps", "unclear", "unclear", [3, 4]),
        ("hurts", "helps", "unclear", [3, 4]),
        ("unclear", "helps", "unclear", [3]),
    ],
)
def test_what_helps_or_hurts_is_asked_again_with_other_seeds(
    data: StudyData,
    monkeypatch: pytest.MonkeyPatch,
    first: str,
    second: str,
    verdict: str,
    seeds: list[int],
):
    asked, judge = list[int](), run._judge

    def judged(head: Head, data: StudyData, plan: Plan, study: Study, here: Session) -> Any:
        asked.append(study.seed)
        return judge(head, data, plan, study, here) | {"verdict": (first, second)[len(asked) - 1]}

    monkeypatch.setattr(run, "_judge", judged)
    study = Study(("probe",), ("oversampling",), "no", seeds=2, seed=3)
    (entry,) = classify(data, study, session())

    assert (entry["verdict"], asked) == (verdict, seeds)
    assert (entry["again"] is None) == (len(seeds) == 1)
    assert not set(study.training_seeds) & set(study.again.training_seeds)


def test_what_can_not_be_is_said_before_any_work(data: StudyData):
    def told(**options: object) -> str:
        with pytest.raises(UsageError) as caught:
            classify(data, replace(Study(("probe",)), **options), session())  # type: ignore[arg-type]
        return str(caught.value)

    assert "wild, odd@x is no classifier" in told(heads=("wild", "probe", "odd@x"))
    assert "names no classifier" in told(heads=())
    assert "no such arm" in told(arms=("wild",))
    check_heads(("probe", "small", "tune", "test_resnet@pretrained"))


def test_many_classes_take_longer():
    assert [usual_steps(n) for n in (2, 25, 100)] == [200, 200, 800]
