"""The bus on Kafka: blocking clients in their own threads, never on the event loop."""
