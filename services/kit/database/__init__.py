"""The rows that survive every process: tables, queries that take a tenant, migrations, the outbox."""
