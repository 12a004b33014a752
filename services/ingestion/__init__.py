"""Ingestion: the files of the user become segments, sound, pictures and a portrait on our clock."""
