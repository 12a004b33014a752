"""What a tenant uses and may use."""
