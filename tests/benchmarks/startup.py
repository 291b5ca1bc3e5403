"""How long l2laug takes to start, beside Python itself.

    python -m tests.benchmarks.startup

`python -c pass` is the baseline: 3 means that a command takes as long as starting Python three
times; all above 1 is imports. `import l2laug.sampling.writer` is what `sample`
needs, onnxruntime with it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable

from tests.benchmarks.ratios import ratio, show, time_in_turn

ACTIONS = {
    "python": ["-c", "pass"],
    "import l2laug.cli": ["-c", "import l2laug.cli"],
    "l2laug --help": ["-m", "l2laug", "--help"],
    "import l2laug.sampling.writer": ["-c", "import l2laug.sampling.writer"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()

    def starter(words: list[str]) -> Callable[[], object]:
        command = [sys.executable, *words]
        return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    actions = {name: starter(words) for name, words in ACTIONS.items()}
    seconds = time_in_turn(actions, given.rounds)
    found = [ratio(seconds, name, "python") for name in list(ACTIONS)[1:]]
    show(found, {"python": sys.version.split()[0]}, as_json=given.json)


if __name__ == "__main__":
    main()
