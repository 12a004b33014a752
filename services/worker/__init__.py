"""Work that nobody waits for: webhooks, stalled performances, deletion, usage."""
