"""Scores, one a file."""
