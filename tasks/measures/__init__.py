"""Numbers about a model, and their pictures."""
