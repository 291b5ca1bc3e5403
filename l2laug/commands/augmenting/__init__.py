"""Parts of `augment`: which classes are rare, what is kept for testing, what is written."""
