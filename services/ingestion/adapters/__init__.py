"""Voices: programs of this machine, and servers."""
