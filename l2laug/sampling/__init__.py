"""Draw from an adapted model with onnxruntime, and write what was drawn."""
