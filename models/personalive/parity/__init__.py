"""Numerical parity with the published PersonaLive: recorded inputs and outputs, replayed and compared."""
