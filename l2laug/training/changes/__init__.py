"""Learning changes from pairs of neighbours, and tuning them on base classes."""
