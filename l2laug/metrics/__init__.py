"""Scores of features and pixels, numpy and scipy alone, one a file."""
