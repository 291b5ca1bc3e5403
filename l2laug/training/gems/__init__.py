"""Learning the step from few images to many, layer by layer."""
