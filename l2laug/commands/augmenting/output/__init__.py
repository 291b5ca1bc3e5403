"""What `augment` writes: the data set, in its own layout or in containers, and a recipe."""
