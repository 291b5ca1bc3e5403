"""Training: source, GEMs and target."""
