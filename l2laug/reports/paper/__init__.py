"""Tables and figures as in the paper that the method comes from."""
