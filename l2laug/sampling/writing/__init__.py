"""Where samples go: class folders, tar shards or Parquet, and the manifest."""
