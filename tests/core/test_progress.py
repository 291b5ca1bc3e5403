"""Progress: lines or a bar, on standard error alone."""

from __future__ import annotations

import sys

import pytest

from l2laug.core.progress import Progress, clock


class Watch:
    """A clock that stands still until it is told otherwise."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    found = Watch()
    monkeypatch.setattr("l2laug.core.progress.time.monotonic", found)
    return found


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (59.6, "1:00"),
        (187, "3:07"),
        (3599.7, "1:00:00"),
        (3723, "1:02:03"),
        (100_000, "27:46:40"),
    ],
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_lines_come_now_and_then_and_at_the_end(
    watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(every=15).task("learning", 4) as advance:
        for now in (1010, 1020, 1030, 1040):
            watch.now = now
            advance(note=f"loss {now}")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "learning: 2/4, 20 s spent, 20 s left  loss 1020",
        "learning: 4/4, 40 s spent, 0 s left  loss 1040",
    ]


def test_a_task_that_ends_by_the_clock_shows_the_steps_that_there_is_time_for(
    watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(every=15).task("learning", 10_000, 100, seconds=60) as advance:
        for now in (1020, 1040, 1070):
            watch.now = now
            advance(10)
    assert capsys.readouterr().err.splitlines() == [
        "learning: 110/130, 20 s spent, 40 s left",
        "learning: 120/130, 40 s spent, 20 s left",
        "learning: 130/130, 1:10 spent, 0 s left",
    ]


def test_the_time_left_counts_only_what_was_done_since_a_resume(
    watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Progress(every=15).task("learning", 10, done=2) as advance:
        watch.now = 1030
        advance(2)  # two steps in 30 s, six to go
    assert capsys.readouterr().err == "learning: 4/10, 30 s spent, 1:30 left\n"


def test_quiet_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(quiet=True, every=0)
    progress.say("hello")
    with progress.task("learning", 2) as advance:
        advance(2)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress().task("learning", 3) as advance:
        advance(3, note="loss 0.5")
    out, err = capsys.readouterr()
    assert out == ""
    assert "learning" in err
    assert "3/3" in err
    assert "loss 0.5" in err


def test_a_terminal_obeys_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    Progress().say("left out \x1b]0;owned\x07猫.png\nnext\u202e")
    assert capsys.readouterr().err == "left out \\x1b]0;owned\\x07猫.png\nnext\\u202e\n"
