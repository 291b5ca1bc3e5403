"""Models in less precision than they were trained in, where that is faster and draws alike."""
