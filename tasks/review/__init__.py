"""What a person reviews before a retrained model is taken: what differs, and whether it is real."""
