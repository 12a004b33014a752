"""A driving video becomes motion: what its face does, on the frame clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from models.rig.driver import ReadMotion, find_rest, read_motions
from models.rig.landmarks import NoFaceError
from services.encoding.faults import Fault
from services.kit.contracts import CHUNK_FRAMES, Motion, Picture

__all__ = ["encode_driver"]


def encode_driver(read: Callable[[], Iterable[Picture]]) -> Iterator[Motion]:
    """Yield the motion of the driver's face in chunks of CHUNK_FRAMES, fewer only in the last.

    `read` opens the pictures from their beginning; it is called twice, first to learn the face at
    rest. While the face is out of sight its last motion is held. Raises Fault when there is none.
    """
    try:
        rest = find_rest(picture.pixels for picture in read())
    except NoFaceError as error:
        raise Fault("driver_without_face", f"driver cannot be used: {error}") from error
    yield from _to_chunks(read_motions(rest, ((picture.time_s, picture.pixels) for picture in read())))


def _to_chunks(motions: Iterable[ReadMotion]) -> Iterator[Motion]:
    frames = []
    sequence = 0
    for motion in motions:
        frames.append(motion.motion)
        if len(frames) == CHUNK_FRAMES:
            yield Motion(sequence=sequence, frames=np.stack(frames))
            frames, sequence = [], sequence + 1
    if frames:
        yield Motion(sequence=sequence, frames=np.stack(frames))
