"""The HTTP API: one module per resource, over what all of them share."""
