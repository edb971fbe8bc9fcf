"""k nearest neighbours: the training images are the model."""
