from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from services.kit.errors import SessionLost
from services.stitching.clips import mux_clip
from services.stitching.video import VideoFile

Encode = Callable[[int, int], list[bytes]]
WriteSoundtrack = Callable[[Path, NDArray[np.float32], int], Path]


@pytest.fixture(scope="module")
def clips(encode_clip: Encode) -> list[bytes]:
    """Fifty, fifty and seven frames: 4.28 s."""
    return [mux_clip(encode_clip(first, count), first) for first, count in ((0, 50), (50, 50), (100, 7))]


def _write(path: Path, clips: list[bytes], soundtrack: Path | None) -> Path:
    with VideoFile(path, soundtrack) as video:
        for clip in clips:
            video.append(clip)
    assert video.num_frames == 107
    return path


def _clicks(seconds: float, rate_hz: int) -> NDArray[np.float32]:
    """A click every 100 ms."""
    samples = np.zeros(round(seconds * rate_hz), np.float32)
    samples[rate_hz // 20 :: rate_hz // 10] = 0.9
    return samples


def _decoded_sound(path: Path) -> NDArray[np.float32]:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def _sound_s(path: Path) -> float:
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        return float(stream.duration * stream.time_base)


def test_clips_join_without_a_seam(clips: list[bytes], tmp_path: Path) -> None:
    with av.open(str(_write(tmp_path / "a.mp4", clips, None))) as container:
        frames = list(container.decode(video=0))
        assert not container.streams.audio
    assert [frame.time for frame in frames] == pytest.approx([n / 25 for n in range(107)])
    assert [int(frame.to_ndarray()[0, 0]) for frame in frames] == list(range(16, 123))


def test_the_video_is_h264_at_a_constant_25_frames_a_second_in_bt709(
    clips: list[bytes], tmp_path: Path
) -> None:
    with av.open(str(_write(tmp_path / "a.mp4", clips, None))) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        keyframes = [n for n, packet in enumerate(container.demux(stream)) if packet.is_keyframe]
        assert (stream.codec.name, context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 25
        assert (int(context.colorspace), int(context.color_trc), int(context.color_primaries)) == (1, 1, 1)
        assert int(context.color_range) == 1
        assert (stream.start_time, stream.frames, stream.duration) == (0, 107, 107 * 512)
    assert keyframes[:3] == [0, 50, 100]


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
def test_sound_starts_at_zero_to_the_sample(
    rate_hz: int, clips: list[bytes], write_soundtrack: WriteSoundtrack, tmp_path: Path
) -> None:
    samples = _clicks(4.2, rate_hz)
    path = _write(tmp_path / "a.mp4", clips, write_soundtrack(tmp_path / "s.m4a", samples, rate_hz))
    heard = _decoded_sound(path)
    lags = [int(np.abs(heard[n - 40 : n + 40]).argmax()) - 40 for n in np.flatnonzero(samples)]
    assert set(lags) == {0}


@pytest.mark.parametrize(("said_s", "heard_s"), [(1.9, 1.9), (4.25, 4.25), (9.0, 4.32)])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 48_000])
def test_sound_is_as_long_as_it_was_but_ends_a_frame_after_the_pictures(
    said_s: float,
    heard_s: float,
    rate_hz: int,
    clips: list[bytes],
    write_soundtrack: WriteSoundtrack,
    tmp_path: Path,
) -> None:
    soundtrack = write_soundtrack(tmp_path / "s.m4a", _clicks(said_s, rate_hz), rate_hz)
    assert _sound_s(_write(tmp_path / "a.mp4", clips, soundtrack)) == pytest.approx(heard_s, abs=0.001)


def test_equal_inputs_make_equal_files_with_the_index_in_front(
    clips: list[bytes], write_soundtrack: WriteSoundtrack, tmp_path: Path
) -> None:
    soundtrack = write_soundtrack(tmp_path / "s.m4a", _clicks(4.2, 16_000), 16_000)
    content = _write(tmp_path / "a.mp4", clips, soundtrack).read_bytes()
    assert content == _write(tmp_path / "b.mp4", clips, soundtrack).read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert b"Synthetic video made with Dramatis" in content


def test_a_damaged_clip_loses_the_session(clips: list[bytes], tmp_path: Path) -> None:
    with pytest.raises(SessionLost, match="after frame 50"):
        _write(tmp_path / "a.mp4", [clips[0], b"no clip"], None)
