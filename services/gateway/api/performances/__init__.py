"""Performances over HTTP."""
