"""Real servers on the loopback interface, for tests, chaos and load; nothing here needs pytest."""
