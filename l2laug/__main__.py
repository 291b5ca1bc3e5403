"""``l2laug`` and ``python -m l2laug``."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line; Ctrl-C while it loads ends it as one later does."""
    try:
        from l2laug.cli import app

        app()
    except KeyboardInterrupt:
        sys.stderr.write("stopped before it began\n")
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()
