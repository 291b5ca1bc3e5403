"""Reading images of any depth, their originals at their own size, and sheets of them."""
