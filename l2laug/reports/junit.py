"""An evaluation as JUnit XML, which dashboards of pipelines show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as Xml

from l2laug.reports.gates import Check
from l2laug.reports.verdicts import verdict_line

# What XML 1.0 can't hold, escaped or not; names of folders may hold it.
FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_junit(evaluation: dict[str, Any], checks: Sequence[Check]) -> str:
    """A test suite with a case for each demand, and one for each score and each verdict.

    A case of a score always passes and holds its number as the property ``value``.

    Args:
        evaluation: the report as plain data.
        checks: the demands made, met or not.
    """
    failed = sum(1 for check in checks if check.failure)
    cases = [_case(evaluation, check.name) for check in checks]
    for case, check in zip(cases, checks, strict=True):
        if check.failure:
            Xml.SubElement(case, "failure", message=_clean(check.failure))
    for name, value in evaluation["scores"].items():
        case = _case(evaluation, f"score {name}")
        properties = Xml.SubElement(case, "properties")
        Xml.SubElement(properties, "property", name="value", value=f"{value:.6g}")
        cases.append(case)
    for entry in evaluation["verdicts"]:
        case = _case(evaluation, f"score verdict {entry['head']}")
        line = verdict_line(evaluation["class_name"], entry)
        Xml.SubElement(case, "system-out").text = _clean(line)
        cases.append(case)
    numbers = {"tests": str(len(cases)), "failures": str(failed), "errors": "0"}
    root = Xml.Element("testsuites", numbers)
    suite = Xml.SubElement(root, "testsuite", {"name": "l2laug evaluate", **numbers})
    suite.extend(cases)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, "unicode") + "\n"


def _case(evaluation: dict[str, Any], name: str) -> Xml.Element:
    place = f"l2laug.evaluate.{evaluation['class_name']}"
    return Xml.Element("testcase", classname=_clean(place), name=_clean(name))


def _clean(text: str) -> str:
    return FORBIDDEN.sub("?", text)
