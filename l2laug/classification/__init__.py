"""Do samples help a classifier? Arms, trainings, verdict."""
