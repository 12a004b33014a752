"""Building blocks of transformers that stream: rotation by slot, bounded caches, adaptive norms."""
