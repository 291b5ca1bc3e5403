"""Samples and generators compared with real images."""
