"""Training of Base LPM: a causal LPM learns to see whole windows and to continue them."""
