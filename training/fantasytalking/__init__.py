"""Training of FantasyTalking: speech in two stages, then identity, then motion intensity."""
