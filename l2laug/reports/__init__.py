"""Results as tables, pages, figures and gates."""
