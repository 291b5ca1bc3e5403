"""Parts that networks of several methods are made of."""
