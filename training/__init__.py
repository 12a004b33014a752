"""The training jobs that make the weights, and the synthetic worlds they learn from."""
