"""How a bundle is trained."""
