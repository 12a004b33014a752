"""The slow level of a stream, so that features do not depend on how loud a recording is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelConfig:
    """How the level of active sound is followed; decibels are relative to full scale.

    A frame is active when it is at most `gate_db` below the level. Active frames pull the level by
    1/n of their distance, n counting active frames from `prior_frames` up to `memory_frames`, so a
    new stream settles fast and an old one is steady. Others let it sink by `decay_db`, to `lowest_db`.
    """

    prior_db: float = -26.0
    prior_frames: int = 20
    memory_frames: int = 200
    gate_db: float = 18.0
    decay_db: float = 0.02
    lowest_db: float = -50.0


class LevelTracker:
    """Follows the level of `rows` streams at once, frame by frame, from the past alone."""

    def __init__(self, config: LevelConfig, *, rows: int) -> None:
        self._config = config
        self._level = np.full(rows, config.prior_db, np.float32)
        self._count = np.full(rows, config.prior_frames, np.float32)

    def push(self, energy_db: Array) -> Array:
        """Return the level at each frame, [rows, frames], for frame energies [rows, frames]."""
        levels = np.empty_like(energy_db)
        for frame in range(energy_db.shape[1]):
            levels[:, frame] = self._advance(energy_db[:, frame])
        return levels

    def _advance(self, energy_db: Array) -> Array:
        config = self._config
        distance = energy_db - self._level
        active = distance > -config.gate_db
        self._count = np.minimum(self._count + active, config.memory_frames).astype(np.float32)
        pulled = self._level + distance / self._count
        sunk = np.maximum(self._level - config.decay_db, config.lowest_db)
        self._level = np.where(active, np.maximum(pulled, config.lowest_db), sunk).astype(np.float32)
        return self._level
