"""LPM in motion space: speech and noise in, 58 numbers of face motion out, 0.2 s at a time."""
