"""Training of the motion LPM on the speech world."""
