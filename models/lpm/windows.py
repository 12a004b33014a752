"""Sound to LPM inputs: samples pushed in pieces come out as one log-mel window per chunk."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.audio.logmel import LogMelConfig, LogMelStream
from models.lpm.config import LpmConfig

Array = npt.NDArray[np.float32]


class _Windows:
    """Cuts one stream into windows of `length` log-mel frames, a chunk apart; the first starts `before`
    the stream, in silence. Memory is bounded.
    """

    def __init__(self, config: LpmConfig, *, before: int, length: int) -> None:
        self._config = config
        self._length = length
        self._after = length - before - config.chunk_mels
        self._logmel = LogMelStream(config.logmel)
        self._frames = silence(config.logmel, before)
        self._owed_samples = 0

    def push(self, samples: Array) -> list[Array]:
        """Return the completed windows, each [length, channels], for 16 kHz mono samples [N]."""
        hop, step = self._config.logmel.hop, self._config.chunk_mels
        self._owed_samples += len(samples)
        self._frames = np.concatenate((self._frames, self._logmel.push(samples)))
        count = max(0, (len(self._frames) - self._length) // step + 1)
        windows = [self._frames[n * step :][: self._length].copy() for n in range(count)]
        self._frames = self._frames[count * step :].copy()
        self._owed_samples -= count * step * hop
        return windows

    def flush(self) -> list[Array]:
        """Return the windows of all sound pushed so far, taking what follows it as silence.

        The last chunk is completed with silence when the sound ends inside it. Nothing may follow.
        """
        config = self._config
        chunk_samples = config.chunk_mels * config.logmel.hop
        chunks = -(-self._owed_samples // chunk_samples)
        after = (self._after + 1) * config.logmel.hop + config.logmel.margin
        return self.push(np.zeros(chunks * chunk_samples + after, np.float32))[:chunks]


class SpeakWindows(_Windows):
    """Cuts the speak stream into the windows that `LpmChunk.speak` is made of.

    The window of a chunk is complete `look_ahead` log-mel frames after the chunk's own sound.
    """

    def __init__(self, config: LpmConfig) -> None:
        super().__init__(config, before=config.left_context, length=config.window_mels)


class ListenWindows(_Windows):
    """Cuts the listen stream into the windows that `LpmChunk.listen` is made of.

    The window of a chunk is complete with the chunk's own sound, and holds none that follows it.
    """

    def __init__(self, config: LpmConfig) -> None:
        super().__init__(config, before=config.listen_context, length=config.listen_mels)


def silence(config: LogMelConfig, frames: int) -> Array:
    """Return the features of the silence before a stream, [frames, channels]."""
    quiet = np.full((frames, config.channels), -config.clip, np.float32)
    quiet[:, -1] = 0.0
    return quiet
