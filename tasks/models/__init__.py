"""Classifiers: one protocol, networks and nearest neighbours behind it."""
