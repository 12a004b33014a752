"""The length of a driving video, from its packets: nothing is decoded."""

from __future__ import annotations

from pathlib import Path

import av

from services.kit.errors import BadInput
from services.kit.media.files import open_media

__all__ = ["measure_driver"]


def measure_driver(path: Path) -> float:
    """Seconds from the first picture to the last one. Raises BadInput when there is no video."""
    first_s, last_s = float("inf"), float("-inf")
    with open_media(path, "driver") as container:
        streams = [
            stream
            for stream in container.streams.video
            if not stream.disposition & av.stream.Disposition.attached_pic
        ]
        if not streams:
            raise BadInput(f"driver {path} has no video stream")
        for packet in container.demux(streams[0]):
            if packet.pts is None or packet.time_base is None:
                continue
            start_s = float(packet.pts * packet.time_base)
            first_s, last_s = min(first_s, start_s), max(last_s, start_s)
    return max(0.0, last_s - first_s)
