"""What one training step does to weights, whatever its losses are."""
