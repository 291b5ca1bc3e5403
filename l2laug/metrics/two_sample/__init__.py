"""Tests of whether two sets of images are of one distribution."""
