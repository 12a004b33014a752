"""Sound to LPM inputs: samples pushed in pieces come out as one log-mel window per chunk."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.audio.logmel import LogMelStream
from models.lpm.config import LpmConfig

Array = npt.NDArray[np.float32]


class SpeakWindows:
    """Cuts one stream of speech into the windows that `LpmChunk.speak` is made of.

    The window of a chunk is complete `look_ahead_s` after the chunk's own sound. Memory is bounded.
    """

    def __init__(self, config: LpmConfig) -> None:
        self._config = config
        self._logmel = LogMelStream(config.logmel)
        self._frames = silence_before(config)
        self._owed_samples = 0

    def push(self, samples: Array) -> list[Array]:
        """Return the completed windows, each [window_mels, channels], for 16 kHz mono samples [N]."""
        config = self._config
        self._owed_samples += len(samples)
        self._frames = np.concatenate((self._frames, self._logmel.push(samples)))
        count = max(0, (len(self._frames) - config.window_mels) // config.chunk_mels + 1)
        windows = [self._frames[n * config.chunk_mels :][: config.window_mels].copy() for n in range(count)]
        self._frames = self._frames[count * config.chunk_mels :].copy()
        self._owed_samples -= count * config.chunk_mels * config.logmel.hop
        return windows

    def flush(self) -> list[Array]:
        """Return the windows of all sound pushed so far, taking what follows it as silence.

        The last chunk is completed with silence when the sound ends inside it. Nothing may follow.
        """
        config = self._config
        chunk_samples = config.chunk_mels * config.logmel.hop
        chunks = -(-self._owed_samples // chunk_samples)
        after = (config.look_ahead + 1) * config.logmel.hop + config.logmel.margin
        return self.push(np.zeros(chunks * chunk_samples + after, np.float32))[:chunks]


def silence_before(config: LpmConfig) -> Array:
    """Return the features of the silence before a stream, [left_context, channels]."""
    quiet = np.full((config.left_context, config.logmel.channels), -config.logmel.clip, np.float32)
    quiet[:, -1] = 0.0
    return quiet
