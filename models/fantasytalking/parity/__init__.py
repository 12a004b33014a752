"""Numerical parity with the published FantasyTalking: recorded inputs and outputs, replayed and compared."""
