"""Classifiers: one protocol, networks and nearest neighbours behind it."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow reads it when it is imported
