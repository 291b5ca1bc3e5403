"""What the methods share when they learn: episodes, trainer, source training, rare classes."""
