"""Recipes: typed, strict, read from YAML."""
