"""The report as a page: whole in itself, safe, accessible, and fit for a phone."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import axe_core_python
import pytest
from PIL import Image

from l2laug.reports.figures import Picture
from l2laug.reports.html import Curve, curves_of, render_html
from tests.reports.verdict_entries import entry

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "google-chrome", "chrome")) if p), None)
NASTY = '<script>alert("x")</script> & "quoted"'
PICTURE = Picture(
    "Samples",
    "60 samples",
    "sixty samples",
    "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=",
    660,
    400,
)


class Page(HTMLParser):
    """What stands in a page: tags with their attributes, in order, and all its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(" ".join(data.split()))

    def of(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def twin(file: str) -> dict[str, Any]:
    places = {"side": "left out", "other": "a.png", "other_side": "train"}
    return {"file": file, "symmetry": "mirrored", **places}


@pytest.fixture
def evaluation() -> dict[str, Any]:
    measure = {
        "name": "fid",
        "value": 12.3456,
        "low": 11.25,
        "high": 13.5,
        "baseline": 3.21,
        "baseline_low": 3.0,
        "baseline_high": 3.5,
        "samples": 6,
        "real": 5,
        "reading": "farther from real images",
        "too_small": "",
        "chance_low": None,
        "chance_high": None,
    }
    return {
        "class_name": NASTY,
        "counts": {"samples": 60, "support": 5, "real_held_out": 12, "train": 321, "test": 87},
        "measures": {"kid": measure | {"name": "kid"}, "fid": measure | {"value": 98.765}},
        "extractor": {"name": "net", "sha256": "0123456789abcdef", "resizing": "none"},
        "notes": [NASTY],
        "near_identical": [twin(NASTY)],
        "verdicts": [entry(rare=NASTY), entry("small", rare=NASTY)],
    }


@pytest.fixture
def options() -> dict[str, Any]:
    looks = [
        {
            "steps": 10 * i,
            "distance": 5.0 - i,
            "diversity": s,
            "class_accuracy": 0.5,
            "copies": None,
        }
        for i, s in enumerate((1.2, 1.0, 0.7))
    ]
    return {"evaluations": looks, "kept": looks[1]}


@pytest.fixture
def text(evaluation: dict[str, Any], options: dict[str, Any]) -> str:
    return render_html(evaluation, [PICTURE], curves_of(options))


def test_names_are_shown_and_not_run(text: str):
    page = Page(text)

    assert page.of("script") == []
    assert f"{NASTY}: are the samples any good?" in page.words
    assert NASTY in page.words  # the note


def test_it_needs_nothing_else(text: str):
    page = Page(text)

    links = [v for _, a in page.tags for k, v in a.items() if k in ("src", "href", "srcset")]
    assert links == [PICTURE.uri]
    assert not re.search(r"https?:|@import|url\(", text)


def test_a_browser_may_load_nothing_but_its_pictures_and_its_style(text: str):
    policies = [a["content"] for a in Page(text).of("meta") if a.get("http-equiv")]
    style = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(policies) == len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in str(policies[0]).split(";"))
    assert rules == {
        "default-src": "'none'",
        "img-src": "data:",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert not [
        name for _, a in Page(text).tags for name in a if name == "style" or name[:2] == "on"
    ]


def without_policy(text: str) -> str:
    """The page as a test may run scripts in it."""
    bare, count = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    assert count == 1
    return bare


def test_it_can_be_read_without_seeing_it(text: str):
    page = Page(text)

    assert page.of("html") == [{"lang": "en"}]
    assert all(image["alt"] for image in page.of("img"))
    assert all(drawing["role"] == "img" and drawing["aria-label"] for drawing in page.of("svg"))
    assert all(cell.get("scope") in ("row", "col") for cell in page.of("th"))
    assert len(page.of("caption")) == len(page.of("table")) == 2 + 2 * 4
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_number_is_the_evaluations(text: str):
    words = Page(text).words

    assert any(w.startswith("probe: The samples hurt") and "-0.123" in w for w in words)
    assert {"12.35 (11.2 to 13.5)", "3.21 (3 to 3.5)", "6 with 5 real"} <= set(words)
    assert any(w.startswith("FID 98.77 (") and "most of it is bias" in w for w in words)
    assert {"0.900 ± 0.141", "0.700 ± 0.000", "0.250 (0.125 to 0.375)"} <= set(words)
    assert "7.5" in words  # in a confusion matrix
    assert {NASTY, "left out", "a.png", "train", "mirrored"} <= set(words)


def test_without_classifier_scores_or_curves_there_is_no_section_for_them(
    evaluation: dict[str, Any],
):
    bare = evaluation | {"verdicts": [], "measures": {}, "notes": [], "near_identical": []}
    page = Page(render_html(bare, [], curves_of({})))

    assert [w for w in page.words if w.startswith(("Scores", "Classifier", "Curves"))] == []
    assert page.of("table") == page.of("svg") == []


def test_curves_show_adaptation(options: dict[str, Any]):
    class_accuracy, diversity, distance = curves_of(options)

    assert class_accuracy.points == [(0, 0.5), (10, 0.5), (20, 0.5)]
    assert diversity.points == [(0, 1.2), (10, 1.0), (20, 0.7)]
    assert distance.points == [(0, 5), (10, 4), (20, 3)]
    assert diversity.marked == (10, "kept")
    for look in options["evaluations"]:  # as an earlier version named it
        look["recognised"] = look.pop("class_accuracy")
    assert [c.title for c in curves_of(options)] == [diversity.title, distance.title]


def test_a_curve_fills_its_frame():
    curve = Curve("t", "x", "y", [(0, 1.0), (5, 3.0), (10, 2.0)])
    level = Curve("t", "x", "y", [(0, 1.0), (10, 1.0)])

    assert curve.line == "0.0,110.0 150.0,0.0 300.0,55.0"
    assert level.line == "0.0,110.0 300.0,110.0"


def browse(folder: Path, *words: str) -> str:
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files"]
    browser = [str(CHROMIUM), *options, f"--user-data-dir={folder / 'profile'}"]
    return subprocess.run(
        [*browser, *words], capture_output=True, text=True, timeout=120, check=True
    ).stdout


def broken_rules(text: str, folder: Path) -> list[str]:
    """The rules of axe-core that a page breaks."""
    page = folder / "accessible.html"
    axe = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
    told = "axe.run().then(r => { document.title = 'axe:' + r.violations.map(v => v.id) })"
    scripts = f"<script>{axe}</script><script>{told}</script></body>"
    page.write_text(without_policy(text).replace("</body>", scripts), encoding="utf-8")
    seen = browse(folder, "--virtual-time-budget=20000", "--dump-dom", page.as_uri())
    found = re.search(r"<title>axe:([^<]*)</title>", seen)
    assert found
    return [rule for rule in found[1].split(",") if rule]


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_it_passes_an_accessibility_check(text: str, tmp_path: Path):
    assert broken_rules(text, tmp_path) == []
    without = re.sub(r' alt="[^"]*"', "", text).replace(' lang="en"', "")
    assert set(broken_rules(without, tmp_path)) >= {"html-has-lang", "image-alt"}


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_in_a_browser_it_fits_a_phone_and_is_not_blank(text: str, tmp_path: Path):
    page, shot = tmp_path / "report.html", tmp_path / "report.png"
    measure = "<script>document.title = document.documentElement.scrollWidth</script>"
    # A window can't be that narrow; a frame can.
    bare = without_policy(text)
    page.write_text(bare.replace("</body>", measure + "</body>"), encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(
        '<body><iframe src="report.html" width="360" height="900"></iframe><script>'
        "onload = () => { document.title = frames[0].document.title }</script>"
    )
    found = re.search(r"<title>(\d+)</title>", browse(tmp_path, "--dump-dom", frame.as_uri()))
    assert found
    assert int(found[1]) <= 360

    browse(tmp_path, "--window-size=800,900", f"--screenshot={shot}", page.as_uri())
    with Image.open(shot) as picture:
        assert picture.size == (800, 900)
        assert len(picture.convert("RGB").getcolors(1 << 24) or []) > 20
