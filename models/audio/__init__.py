"""Sound as models hear it: log-mel frames on a fixed clock, levelled, streamed in pieces of any size."""

from models.audio.logmel import LogMelConfig, LogMelStream, log_mel

__all__ = ["LogMelConfig", "LogMelStream", "log_mel"]
