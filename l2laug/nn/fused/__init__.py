"""Trained networks as fewer operations that compute the same, for drawing."""
