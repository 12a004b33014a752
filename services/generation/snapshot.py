"""A session at the end of a clip, as bytes: all that another process needs to go on from there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from services.kit.messages import MotionIntensity, Opening

__all__ = ["Snapshot", "read_snapshot", "write_snapshot"]

_MAGIC: Final = b"dramatis-snapshot-1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What is known before the cue `next_sequence`.

    `noise` is the state of the session's NumPy bit generator; `row` the engine's own bytes.
    """

    next_sequence: int
    opening: Opening
    noise: dict[str, Any]
    row: bytes


def write_snapshot(snapshot: Snapshot) -> bytes:
    """The bytes of a snapshot; equal snapshots give equal bytes."""
    head = {
        "next_sequence": snapshot.next_sequence,
        "opening": asdict(snapshot.opening),
        "noise": snapshot.noise,
        "row_bytes": len(snapshot.row),
    }
    return _MAGIC + json.dumps(head, sort_keys=True).encode() + b"\n" + snapshot.row


def read_snapshot(data: bytes) -> Snapshot:
    """Read what `write_snapshot` wrote. Raises ValueError for anything else."""
    if not data.startswith(_MAGIC):
        raise ValueError(f"not a snapshot: {len(data)} bytes that begin with {data[:20]!r}")
    line, _, row = data[len(_MAGIC) :].partition(b"\n")
    try:
        head = json.loads(line)
        snapshot = Snapshot(
            next_sequence=head["next_sequence"],
            opening=_read_opening(head["opening"]),
            noise=head["noise"],
            row=row,
        )
        expected = head["row_bytes"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"not a snapshot: {error}") from error
    if len(row) != expected:
        raise ValueError(f"a damaged snapshot: its row has {len(row)} bytes, expected {expected}")
    return snapshot


def _read_opening(fields: dict[str, Any]) -> Opening:
    intensity = fields.pop("motion_intensity", None)
    return Opening(**fields, motion_intensity=None if intensity is None else MotionIntensity(**intensity))
