"""What flows through a performance: segments, cues, chunks and clips."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from dramatis.encoding.v1 import cue_pb2
from dramatis.generation.v1 import chunk_pb2
from dramatis.ingestion.v1 import segment_pb2
from dramatis.stitching.v1 import clip_pb2

from services.kit import messages as m
from services.kit.contracts import CHUNK_FRAMES, CHUNK_SAMPLES, FloatArray
from services.kit.engines import CLOCKS
from services.kit.wire.fields import (
    FLOAT,
    check_set,
    check_uri,
    parse,
    read_directions,
    read_envelope,
    read_floats,
    read_opening,
    require,
    write_directions,
    write_envelope,
    write_opening,
)

# The numbers of a frame of motion: 52 blendshapes, head rotation and translation.
MOTION_CHANNELS: Final = 58
_CHUNK_SIZES: Final = sorted({clock.chunk_frames for clock in CLOCKS.values()})


def write_segment(value: m.Segment) -> segment_pb2.Segment:
    """The protobuf of a segment."""
    return segment_pb2.Segment(
        envelope=write_envelope(value.envelope),
        opening=write_opening(value.opening),
        speech=_write_array(value.speech),
        listen=_write_array(value.listen),
        is_final=value.is_final,
        driver_uri=value.driver_uri,
        directions=write_directions(value.directions),
    )


def read_segment(data: bytes) -> m.Segment:
    """The segment in `data`. Raises BadMessage when there is none."""
    proto = parse(segment_pb2.Segment, data)
    envelope = read_envelope(proto.envelope)
    speech = read_floats("speech", proto.speech, 1) if proto.speech else None
    listen = read_floats("listen", proto.listen, 1) if proto.listen else None
    if proto.driver_uri:
        is_alone = proto.is_final and envelope.sequence == 0 and speech is None and listen is None
        require(is_alone, "a driver needs to be the only segment, without speech and listen")
    _check_samples(speech, listen, proto.is_final)
    return m.Segment(
        envelope=envelope,
        opening=read_opening(proto, envelope),
        speech=speech,
        listen=listen,
        is_final=proto.is_final,
        driver_uri=check_uri(envelope.tenant, "driver_uri", proto.driver_uri),
        directions=read_directions(proto.directions),
    )


def _write_array(values: FloatArray | None) -> bytes:
    return b"" if values is None else values.astype(FLOAT).tobytes()


def _check_samples(speech: FloatArray | None, listen: FloatArray | None, is_final: bool) -> None:
    """A whole chunk of every stream that is there, or as little of each in the last segment."""
    sizes = {stream.size for stream in (speech, listen) if stream is not None}
    require(len(sizes) < 2, f"the streams of a segment have {sorted(sizes)} samples, expected as many")
    fits = all(size == CHUNK_SAMPLES or (is_final and size < CHUNK_SAMPLES) for size in sizes)
    require(fits, f"a segment has {sum(sizes)} samples, expected {CHUNK_SAMPLES}")


def write_cue(value: m.Cue) -> cue_pb2.Cue:
    """The protobuf of a cue."""
    heard = value.listen if value.speak is None else value.speak
    return cue_pb2.Cue(
        envelope=write_envelope(value.envelope),
        opening=write_opening(value.opening),
        num_frames=value.num_frames,
        speak=_write_array(value.speak),
        listen=_write_array(value.listen),
        mel_channels=0 if heard is None else heard.shape[1],
        motion=_write_array(value.motion),
        is_final=value.is_final,
        directions=write_directions(value.directions),
        pictures=value.pictures,
        waveform=_write_array(value.waveform),
    )


def read_cue(data: bytes) -> m.Cue:
    """The cue in `data`. Raises BadMessage when there is none."""
    proto = parse(cue_pb2.Cue, data)
    envelope = read_envelope(proto.envelope)
    motion = _read_rows("motion", proto.motion, MOTION_CHANNELS)
    waveform = read_floats("waveform", proto.waveform, 1) if proto.waveform else None
    kinds = [
        bool(proto.speak or proto.listen),
        motion is not None,
        bool(proto.pictures),
        waveform is not None,
    ]
    require(sum(kinds) < 2, "a cue has several of a stream, motion, pictures and a waveform, expected one")
    if proto.pictures:
        _check_pictures(proto)
    else:
        _check_frames("a cue", proto.num_frames, proto.is_final, (CHUNK_FRAMES,))
    if motion is not None:
        require(len(motion) == proto.num_frames, f"motion has {len(motion)} frames, not {proto.num_frames}")
    _check_samples(waveform, None, proto.is_final)
    return m.Cue(
        envelope=envelope,
        opening=read_opening(proto, envelope),
        num_frames=proto.num_frames,
        speak=_read_rows("speak", proto.speak, proto.mel_channels),
        listen=_read_rows("listen", proto.listen, proto.mel_channels),
        motion=motion,
        is_final=proto.is_final,
        directions=read_directions(proto.directions),
        pictures=tuple(proto.pictures),
        waveform=waveform,
    )


def _check_pictures(proto: cue_pb2.Cue) -> None:
    """Pictures may come some cues before anything is shown of them; there is no end without a frame."""
    waits = proto.num_frames == 0 and not proto.is_final
    if not waits:
        _check_frames("a cue", proto.num_frames, proto.is_final, _CHUNK_SIZES)


def _read_rows(name: str, data: bytes, columns: int) -> FloatArray | None:
    return read_floats(name, data, columns).reshape(-1, columns) if data else None


def _check_frames(what: str, num_frames: int, is_final: bool, sizes: Collection[int]) -> None:
    """As many frames as a whole chunk has, or fewer but some in the last one."""
    fits = num_frames in sizes or (is_final and 0 < num_frames < max(sizes))
    expected = " or ".join(map(str, sizes))
    require(fits, f"{what} has {num_frames} frames, expected {expected}, or fewer in the last")


def write_chunk(value: m.Chunk) -> chunk_pb2.Chunk:
    """The protobuf of a chunk."""
    return chunk_pb2.Chunk(
        envelope=write_envelope(value.envelope),
        opening=write_opening(value.opening),
        frames=value.frames,
        motion=_write_array(value.motion),
        is_final=value.is_final,
    )


def read_chunk(data: bytes) -> m.Chunk:
    """The chunk in `data`. Raises BadMessage when there is none."""
    proto = parse(chunk_pb2.Chunk, data)
    envelope = read_envelope(proto.envelope)
    _check_frames("a chunk", len(proto.frames), proto.is_final, _CHUNK_SIZES)
    require(all(proto.frames), "a chunk has an empty frame")
    motion = _read_rows("motion", proto.motion, MOTION_CHANNELS)
    if motion is not None:
        require(len(motion) == len(proto.frames), f"motion has {len(motion)} frames, not {len(proto.frames)}")
    return m.Chunk(
        envelope=envelope,
        opening=read_opening(proto, envelope),
        frames=tuple(proto.frames),
        motion=motion,
        is_final=proto.is_final,
    )


def write_clip(value: m.Clip) -> clip_pb2.Clip:
    """The protobuf of a clip."""
    return clip_pb2.Clip(
        envelope=write_envelope(value.envelope),
        clip_uri=value.clip_uri,
        first_frame=value.first_frame,
        num_frames=value.num_frames,
        is_final=value.is_final,
    )


def read_clip(data: bytes) -> m.Clip:
    """The clip in `data`. Raises BadMessage when there is none."""
    proto = parse(clip_pb2.Clip, data)
    envelope = read_envelope(proto.envelope)
    require(proto.num_frames > 0, "a clip has no frames, expected one or more")
    return m.Clip(
        envelope=envelope,
        clip_uri=check_uri(envelope.tenant, "clip_uri", check_set("clip_uri", proto.clip_uri)),
        first_frame=proto.first_frame,
        num_frames=proto.num_frames,
        is_final=proto.is_final,
    )
