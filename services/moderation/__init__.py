"""Moderation: which faces and which words may be performed."""
