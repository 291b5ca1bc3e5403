"""Labels of an image changed along with it."""
