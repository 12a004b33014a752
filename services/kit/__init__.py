"""What every service shares: errors, contracts and ports. Never a model."""
