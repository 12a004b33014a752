"""The API over embedded stores, for tests: tenants, keys, a clock, and a pipeline that pretends."""
