"""Replays a folder of recorded cases and says of every output how far it is from the recorded one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from models.fantasytalking.parity.clips import replay_clip_level, replay_frame_level, replay_trajectory
from models.fantasytalking.parity.parts import (
    replay_audio_projection,
    replay_cross_attention,
    replay_geometry,
    replay_names,
    replay_sampler,
    replay_windows,
)
from models.parity.fixtures import Case, Verdict, entries, load, unknown

REPLAYS: Final[Mapping[str, Callable[[Case], Iterator[Verdict]]]] = MappingProxyType(
    {
        "audio_proj": replay_audio_projection,
        "attn": replay_cross_attention,
        "dit_frame": replay_frame_level,
        "dit_clip": replay_clip_level,
        "windows": replay_windows,
        "sampler": replay_sampler,
        "trajectory": replay_trajectory,
        "geometry": replay_geometry,
        "names": replay_names,
    }
)


def replay(folder: Path) -> Iterator[Verdict]:
    """Replay every case of a folder in the order of its index; a kind that nothing replays does not hold.

    Raises ValueError when the folder is not of this format, or its weights cannot be drawn again.
    """
    for entry in entries(folder):
        case = load(folder, entry)
        yield from REPLAYS[case.kind](case) if case.kind in REPLAYS else (unknown(case),)
