from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from services.ingestion.track import TrackFile
from services.kit.contracts import Sound

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


def clicks(seconds: float, rate_hz: int) -> NDArray[np.float32]:
    """A click every 100 ms."""
    samples = np.zeros(round(seconds * rate_hz), np.float32)
    samples[rate_hz // 20 :: rate_hz // 10] = 0.9
    return samples[:, None]


def write(
    path: Path, samples: NDArray[np.float32], rate_hz: int, *, block: int = 1000, step_s: float = 10.0
) -> Path:
    blocks = (samples[n : n + block] for n in range(0, len(samples), block))
    sound = Sound(rate_hz=rate_hz, layout=LAYOUTS[samples.shape[1]], blocks=blocks)
    with TrackFile(path, sound) as track:
        end_s = step_s
        while track.encode_until(end_s):
            end_s += step_s
    return path


def heard(path: Path) -> NDArray[np.float32]:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
def test_sound_starts_at_zero_to_the_sample(rate_hz: int, tmp_path: Path) -> None:
    samples = clicks(2.0, rate_hz)
    found = heard(write(tmp_path / "a.m4a", samples, rate_hz))
    lags = [int(np.abs(found[n - 40 : n + 40]).argmax()) - 40 for n in np.flatnonzero(samples[:, 0])]
    assert set(lags) == {0}


def test_a_track_is_as_long_as_its_sound(tmp_path: Path) -> None:
    with av.open(str(write(tmp_path / "a.m4a", clicks(1.9, 16_000), 16_000))) as container:
        stream = container.streams.audio[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        assert float(stream.duration * stream.time_base) == pytest.approx(1.9, abs=0.001)


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_channels_reach_the_track(channels: int, tmp_path: Path) -> None:
    samples = np.repeat(clicks(0.4, 48_000), channels, axis=1)
    with av.open(str(write(tmp_path / "a.m4a", samples, 48_000))) as container:
        assert container.streams.audio[0].codec_context.channels == channels


def test_blocks_and_steps_of_any_size_give_the_same_file(tmp_path: Path) -> None:
    samples = clicks(2.0, 16_000)
    one = write(tmp_path / "a.m4a", samples, 16_000, block=17, step_s=0.37)
    other = write(tmp_path / "b.m4a", samples, 16_000, block=50_000)
    assert one.read_bytes() == other.read_bytes()


def test_a_track_ends_where_it_is_told_to(tmp_path: Path) -> None:
    samples = clicks(5.0, 16_000)
    sound = Sound(rate_hz=16_000, layout="mono", blocks=iter([samples]))
    with TrackFile(tmp_path / "a.m4a", sound) as track:
        assert track.encode_until(1.0)
    assert heard(tmp_path / "a.m4a").size / 16_000 == pytest.approx(1.0, abs=0.07)
