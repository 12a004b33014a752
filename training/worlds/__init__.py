"""Synthetic worlds: data whose truth is known because we made it."""
