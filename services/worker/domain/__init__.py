"""The worker's rules, without a clock, a database or a network."""
