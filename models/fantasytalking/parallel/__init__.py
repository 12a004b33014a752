"""FantasyTalking over several processes, which share a video's tokens, guidance and weights."""
