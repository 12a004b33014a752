"""Stitching: chunks and sound become a file to play."""
