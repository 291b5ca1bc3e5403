"""``python -m l2laug``."""

from l2laug.cli import app

app()
