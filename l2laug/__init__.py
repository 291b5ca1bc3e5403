"""l2laug: turn a few images of a rare class into a data set that helps a classifier."""

__version__ = "0.2.0"
