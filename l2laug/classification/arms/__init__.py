"""The ways to train a classifier that a study compares: a file for each family."""
