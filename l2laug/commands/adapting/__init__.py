"""Parts of `adapt`: choice of the bundle, a class with one that draws, or one of changes."""
