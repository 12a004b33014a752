"""FantasyTalking: one portrait, speech and a prompt become a video, by diffusion on Wan2.1."""
