"""Names of the files and folders that l2laug writes."""

from __future__ import annotations

from pathlib import Path

INFO = "bundle.json"

MANIFEST = "manifest.jsonl"

HOME = Path("l2laug-runs")
MODEL = "model.onnx"

LEARNED = "learned.txt"

CENTROIDS = "source.safetensors"  # of the source images, in features of the general net

METRICS = "metrics.jsonl"

AUGMENTED = "augment.json"
