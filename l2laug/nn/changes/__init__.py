"""Changes of an image: what one is, the generator of them, the encoder of pairs."""
