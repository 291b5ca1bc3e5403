"""Commands that make and measure bundles."""
