"""JUnit XML, read back with a parser."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

from typer.testing import CliRunner

from l2laug.cli import app
from l2laug.reports.gates import Check
from l2laug.reports.junit import render_junit
from tests.reports.verdict_entries import entry


def evaluation(name: str = "cracks") -> dict[str, Any]:
    return {"class_name": name, "verdicts": [], "scores": {"fid": 12.5, "copies": 0.25}}


def parsed(text: str) -> Xml.Element:
    return Xml.fromstring(text.encode())  # noqa: S314 - our own output


def test_each_demand_and_each_score_is_a_case():
    checks = [Check("fid at most 10", "fid is 12.5, more than 10."), Check("copies at most 0.5")]

    root = parsed(render_junit(evaluation(), checks))

    assert root.tag == "testsuites"
    suite = root.find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "1", "0")
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert list(cases) == ["fid at most 10", "copies at most 0.5", "score fid", "score copies"]
    assert {case.get("classname") for case in cases.values()} == {"l2laug.evaluate.cracks"}
    (failure,) = suite.iter("failure")
    assert failure is cases["fid at most 10"].find("failure")
    assert failure.get("message") == "fid is 12.5, more than 10."
    values = {p.get("name"): p.get("value") for p in cases["score copies"].iter("property")}
    assert values == {"value": "0.25"}


def test_the_verdict_is_told_in_words():
    judged = evaluation() | {"verdicts": [entry()]}

    (said,) = parsed(render_junit(judged, [])).iter("system-out")

    assert said.text is not None
    assert "hurt" in said.text
    assert "-0.123" in said.text


def test_names_that_xml_can_not_hold_do_not_break_it():
    root = parsed(render_junit(evaluation('a<&>"\x01\udcff é 裂'), []))

    case = next(root.iter("testcase"))
    assert case.get("classname") == 'l2laug.evaluate.a<&>"?? é 裂'


def test_the_command_writes_it_even_where_a_demand_fails(
    tiny_run: Path, digits: Path, tmp_path: Path
):
    run = Path(shutil.copytree(tiny_run, tmp_path / "run"))
    out = tmp_path / "junit.xml"
    assert CliRunner().invoke(app, ["sample", str(run), "-n", "8"]).exit_code == 0
    words = ["evaluate", str(run), "--dataset", str(digits), "--max-fid", "0", "--junit", str(out)]

    result = CliRunner().invoke(app, words)

    assert result.exit_code == 8, result.stderr
    failures = list(parsed(out.read_text(encoding="utf-8")).iter("failure"))
    assert [f.get("message", "").split(" is ")[0] for f in failures] == ["fid"]
