"""The classifiers that a study trains: a probe of frozen features, and nets trained as a whole."""
