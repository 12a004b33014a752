"""Messages to bytes and back: the only package that knows the generated protobuf classes."""
