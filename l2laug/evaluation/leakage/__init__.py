"""Images that must not stand on both sides of a split: near-identical ones and groups."""
