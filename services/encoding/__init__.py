"""Encoding: segments, portraits and pictures become what an engine understands."""
