"""Distillation of Online LPM, in stages, and what each of them buys."""
