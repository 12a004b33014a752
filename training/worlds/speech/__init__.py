"""The speech world: synthetic speech with exact phone times, and the face that says it."""

from training.worlds.speech.clip import Clip, ClipConfig, generate_clip
from training.worlds.speech.phones import BILABIALS, PHONE_SET, SAMPLE_RATE_HZ, SILENCE, Phone, Utterance
from training.worlds.speech.shards import Shard, read_shards, write_shard
from training.worlds.speech.voices import Delivery, Voice, draw_delivery, draw_voice, synthesise, voices

__all__ = [
    "BILABIALS",
    "PHONE_SET",
    "SAMPLE_RATE_HZ",
    "SILENCE",
    "Clip",
    "ClipConfig",
    "Delivery",
    "Phone",
    "Shard",
    "Utterance",
    "Voice",
    "draw_delivery",
    "draw_voice",
    "generate_clip",
    "read_shards",
    "synthesise",
    "voices",
    "write_shard",
]
