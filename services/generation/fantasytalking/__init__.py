"""FantasyTalking performed offline, by one process or by several together."""
