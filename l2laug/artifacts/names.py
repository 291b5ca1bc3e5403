"""Names of the files and folders that l2laug writes."""

from __future__ import annotations

from pathlib import Path

INFO = "bundle.json"

MANIFEST = "manifest.jsonl"

HOME = Path("l2laug-runs")
MODEL = "model.onnx"

STATISTICS = "statistics.safetensors"

LEARNED = "learned.txt"
