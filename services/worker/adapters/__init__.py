"""What the worker talks to."""
