"""One trial: a command is started, interrupted, gone on with, and its files are compared."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.kill.commands import Command

APPENDED = ("manifest.jsonl", "metrics.jsonl", "classifier.jsonl")  # of which a beginning is whole
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
DISK = "disk"
EVERY = 10  # trials, of which the last is of a full disk
SIZES = (0, 100, 1000, 5000, 20_000, 60_000, 100_000)  # bytes that a file may have then
SHOWN = 5  # files of each kind that a trial's line names
LONGEST = 300.0  # seconds that a command may take


def start(
    command: Command,
    folder: Path,
    logs: Path,
    kill: tuple[float, int] | None = None,
    largest: int | None = None,
) -> tuple[int, float]:
    """Run a command in a process of its own.

    Args:
        command: to run.
        folder: to run it in.
        logs: where what it says goes.
        kill: after how many seconds which signal is sent.
        largest: bytes of a file that it may write.

    Returns:
        Its exit code (below 0: the signal that ended it) and the seconds it took.
    """
    began = time.monotonic()
    ours, theirs = os.pipe()  # which no limit of files is about
    pid = os.fork()
    if not pid:
        _become(command, folder, theirs, largest)
    os.close(theirs)
    os.set_blocking(ours, False)
    with (logs / "said.txt").open("wb") as said, os.fdopen(ours, "rb") as pipe:
        return _follow(pid, began, kill, lambda: said.write(pipe.read() or b""))


def _follow(
    pid: int, began: float, kill: tuple[float, int] | None, hear: Callable[[], object]
) -> tuple[int, float]:
    sent = False
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        spent = time.monotonic() - began
        hear()
        if done:
            return os.waitstatus_to_exitcode(status), spent
        if kill is not None and not sent and spent >= kill[0]:
            os.kill(pid, kill[1])
            sent = True
        if spent > LONGEST:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.002)


def _become(command: Command, folder: Path, out: int, largest: int | None) -> None:
    """Be the command, and end."""
    code = 99
    try:
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.chdir(folder)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        command.setup()
        if largest is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
        from l2laug.__main__ import main

        sys.argv = ["l2laug", *command.words]
        main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder; what names seconds is taken out of logs."""
    return {
        path.relative_to(folder).as_posix(): _timeless(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _timeless(path: Path) -> bytes:
    content = path.read_bytes()
    if path.name != "metrics.jsonl":
        return content
    lines = []
    for line in content.splitlines():
        try:
            row = json.loads(line)
            row.pop("seconds", None)
            lines.append(json.dumps(row).encode())
        except ValueError:
            lines.append(line)
    return b"\n".join(lines)


def half_files(found: dict[str, bytes], whole: dict[str, bytes]) -> list[str]:
    """Files under final names that are not what an uninterrupted run writes there."""
    half = []
    for name, content in found.items():
        parts = name.split("/")
        if any(part.startswith(".") for part in parts) or parts[-1] in APPENDED:
            continue
        if content != whole.get(name):
            half.append(name)
    return half


def fresh(folder: Path, command: Command) -> Path:
    """An empty folder with what a command finds in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for source, name in command.copies:
        shutil.copytree(source, folder / name)
    return folder


def trial(
    command: Command, number: int, seed: int, work: Path, whole: dict[str, bytes]
) -> dict[str, Any]:
    """Interrupt a command once and go on."""
    chance = random.Random(f"{seed} {command.name} {number}")  # noqa: S311 # no secret
    place = fresh(work / "try", command)
    seconds = json.loads((work / f"{command.name}.json").read_text())["seconds"]
    about: dict[str, Any] = {"command": command.name, "number": number, "seed": seed}
    if number % EVERY == EVERY - 1:
        largest = chance.choice(SIZES)
        about |= {"fault": DISK, "bytes": largest}
        code, _ = start(command, place, work, largest=largest)
        expected = {0, 6}
    else:
        sent = chance.choice(SIGNALS)
        after = chance.uniform(0, seconds)
        about |= {"fault": sent.name, "after": round(after, 3)}
        code, _ = start(command, place, work, kill=(after, sent))
        expected = {0, CODES.get(sent, -int(sent)), -int(sent)}  # the last before it has begun
    said = (work / "said.txt").read_text(errors="replace")
    about |= {"code": code, "as_said": code in expected, "traceback": "Traceback" in said}
    about["half"] = half_files(contents(place), whole)
    ended, (code, _) = code == 0, start(command.going_on, place, work)
    said_again = (work / "said.txt").read_text(errors="replace")
    found = contents(place)
    about |= {
        "again": code,
        "traceback": about["traceback"] or "Traceback" in said_again,
        "other": sorted(n for n in whole if found.get(n) != whole[n])[:SHOWN],
        "stray": sorted(found.keys() - whole.keys())[:SHOWN],
    }
    refused = code and not (ended and code == command.once_done)
    lost = about["half"] or about["other"] or about["stray"] or refused or about["traceback"]
    about["survived"] = not lost and about["as_said"]
    if not about["survived"]:
        about["said"] = (said[-600:], said_again[-600:])
    return about


def reference(command: Command, work: Path) -> dict[str, bytes]:
    """The files of an uninterrupted run, made once; how long it took is kept beside them."""
    about = work / f"{command.name}.json"
    folder = work / f"whole {command.name}"
    if not about.exists():
        # In the same place as the trials: outputs may name it.
        place = fresh(work / "try", command)
        code, seconds = start(command, place, work)
        if code:
            raise SystemExit(f"{command.name}: {code}\n{(work / 'said.txt').read_text()}")
        shutil.rmtree(folder, ignore_errors=True)
        place.rename(folder)
        about.write_text(json.dumps({"seconds": seconds}))
    return contents(folder)
