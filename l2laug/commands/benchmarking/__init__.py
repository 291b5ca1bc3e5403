"""Methods of few-shot generation side by side."""
