"""Finders and classifiers in this process."""
