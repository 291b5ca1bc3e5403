"""What l2laug writes and reads again: bundles, model cards, runs."""
