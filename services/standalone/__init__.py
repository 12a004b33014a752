"""The dramatis command: every service in one process."""
