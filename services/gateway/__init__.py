"""The gateway: the HTTP API, admission, and what the platform's results do to the database."""
