"""What the character says and what is said to it, side by side on one chunk clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import TypeAlias

import numpy as np

from services.ingestion.speech import read_speech
from services.kit.contracts import ANALYSIS_RATE_HZ, FloatArray, Segment

__all__ = ["Streams"]

_Pair: TypeAlias = tuple[FloatArray | None, FloatArray | None]


class Streams:
    """The tracks of a performance, `speech`, `listen` or both. Both begin at 0.

    The longer one sets the length. The other is absent once it is over, from the next chunk on; the chunk
    it ends in is completed with silence.
    """

    def __init__(self, tracks: Mapping[str, Path]) -> None:
        self._tracks = tracks
        self._num_samples: Counter[str] = Counter()

    @property
    def lengths_s(self) -> dict[str, float]:
        """How much was read of every track."""
        return {name: self._num_samples[name] / ANALYSIS_RATE_HZ for name in self._tracks}

    def read(self) -> Generator[Segment, None, None]:
        """Decode the tracks to segments; memory stays flat. Raises BadInput as `read_speech` does."""
        pairs = zip_longest(self._pieces("speech"), self._pieces("listen"))
        sequence, last = 0, next(pairs)
        for pair in pairs:
            yield _segment(sequence, last, is_final=False)
            sequence, last = sequence + 1, pair
        yield _segment(sequence, last, is_final=True)

    def _pieces(self, name: str) -> Iterator[FloatArray]:
        if name in self._tracks:
            for piece in read_speech(self._tracks[name], name):
                self._num_samples[name] += piece.size
                yield piece


def _segment(sequence: int, pair: _Pair, *, is_final: bool) -> Segment:
    size = max(piece.size for piece in pair if piece is not None)
    speech, listen = (None if piece is None else np.pad(piece, (0, size - piece.size)) for piece in pair)
    return Segment(sequence=sequence, is_final=is_final, speech=speech, listen=listen)
