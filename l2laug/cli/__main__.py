"""``python -m l2laug.cli``."""

from l2laug.cli import app

app()
