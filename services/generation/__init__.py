"""Generation: engines turn cues into chunks."""
