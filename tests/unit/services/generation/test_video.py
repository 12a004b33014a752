from __future__ import annotations

from collections.abc import Iterable

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from services.generation.video import ClipEncoder
from services.kit.contracts import Chunk, Pixels

SIZE = 64
NAL_SLICE, NAL_IDR, NAL_SPS, NAL_PPS = 1, 5, 7, 8


def _pictures(count: int) -> Pixels:
    """A bright square that wanders over a gradient."""
    ramp = np.linspace(40, 200, SIZE).astype(np.uint8)
    pictures = np.broadcast_to(ramp[None, None, :, None], (count, SIZE, SIZE, 3)).copy()
    for n, picture in enumerate(pictures):
        picture[20:36, n % 48 : n % 48 + 16] = (230, 60, 40)
    return pictures


def _chunks(num_chunks: int, first: int = 0, last_frames: int = 5) -> list[Chunk]:
    pictures = _pictures(5 * (first + num_chunks)).reshape(-1, 5, SIZE, SIZE, 3)[first:]
    chunks = [Chunk(sequence=first + n, frames=frames) for n, frames in enumerate(pictures)]
    return [*chunks[:-1], Chunk(sequence=chunks[-1].sequence, frames=chunks[-1].frames[:last_frames])]


def _encode(chunks: Iterable[Chunk]) -> list[bytes]:
    encoder = ClipEncoder()
    return [unit for chunk in chunks for unit in encoder.encode(chunk)]


def _decode(units: Iterable[bytes]) -> list[VideoFrame]:
    decoder = av.VideoCodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frames = [frame for unit in units for frame in decoder.decode(av.Packet(unit))]
    return [*frames, *decoder.decode(None)]


def _nal_types(unit: bytes) -> list[int]:
    starts = [n + 3 for n in range(len(unit) - 3) if unit[n : n + 3] == b"\0\0\1"]
    return [unit[start] & 0x1F for start in starts]


def test_every_picture_becomes_one_access_unit_at_once() -> None:
    encoder = ClipEncoder()
    assert [len(encoder.encode(chunk)) for chunk in _chunks(12, last_frames=2)] == [5] * 11 + [2]


def test_each_clip_begins_with_its_parameter_sets_and_the_only_keyframe() -> None:
    kinds = [set(_nal_types(unit)) for unit in _encode(_chunks(20))]
    keyframes = [n for n, found in enumerate(kinds) if NAL_IDR in found]
    assert keyframes == [0, 50]
    assert all({NAL_SPS, NAL_PPS} <= kinds[n] for n in keyframes)
    assert all(found == {NAL_SLICE} for n, found in enumerate(kinds) if n not in keyframes)


def test_equal_pictures_give_equal_bytes() -> None:
    assert _encode(_chunks(12)) == _encode(_chunks(12))


def test_a_clip_does_not_depend_on_the_one_before() -> None:
    assert _encode(_chunks(10, first=10)) == _encode(_chunks(20))[50:]


def test_a_clip_can_be_decoded_alone() -> None:
    pictures = _decode(_encode(_chunks(10, first=10)))
    assert len(pictures) == 50
    assert pictures[0].key_frame


def test_the_pictures_are_those_that_went_in() -> None:
    shown = np.stack([frame.to_ndarray(format="rgb24") for frame in _decode(_encode(_chunks(10)))])
    error = shown[:, :, :, 1].astype(float) - _pictures(50)[:, :, :, 1]
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 35


def test_the_colours_are_declared() -> None:
    frame = _decode(_encode(_chunks(1)))[0]
    assert frame.format.name == "yuv420p"
    assert frame.colorspace == Colorspace.ITU709
    assert frame.color_range == ColorRange.MPEG


def test_a_session_is_taken_up_at_the_beginning_of_a_clip_only() -> None:
    with pytest.raises(AssertionError, match="begins no clip"):
        _encode(_chunks(1, first=3))
