"""Tenants with webhooks, and somebody who receives them."""
