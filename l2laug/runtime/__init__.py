"""Device, precision and processes of a training."""
