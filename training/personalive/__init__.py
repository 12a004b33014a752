"""Training of PersonaLive in its three stages: pictures, few steps, and the sliding window."""
