"""PersonaLive: a driver's video reenacts a portrait, four frames at a time, on a GPU."""
