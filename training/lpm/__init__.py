"""What the training jobs of the LPM share: the optimiser, the loop."""
