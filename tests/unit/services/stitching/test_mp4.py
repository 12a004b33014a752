from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from services.kit.contracts import Chunk, Sound
from services.kit.errors import BadInput
from services.stitching.mp4 import check_output, stitch

SIZE = 64


def _chunks(num_frames: int) -> Iterator[Chunk]:
    for sequence, first in enumerate(range(0, num_frames, 5)):
        levels = np.arange(first, min(first + 5, num_frames), dtype=np.uint8)
        yield Chunk(
            sequence=sequence,
            frames=np.broadcast_to(levels[:, None, None, None], (len(levels), SIZE, SIZE, 3)).copy(),
        )


def _clicks(seconds: float, rate_hz: int) -> NDArray[np.float32]:
    """A click every 100 ms."""
    samples = np.zeros(round(seconds * rate_hz), np.float32)
    samples[rate_hz // 20 :: rate_hz // 10] = 0.9
    return samples[:, None]


def _sound(samples: NDArray[np.float32], rate_hz: int, block: int = 1000) -> Sound:
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[samples.shape[1]]
    blocks = (samples[n : n + block] for n in range(0, len(samples), block))
    return Sound(rate_hz=rate_hz, layout=layout, blocks=blocks)


def _decoded_sound(path: Path) -> NDArray[np.float32]:
    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])


def test_the_video_is_h264_at_a_constant_25_frames_a_second_in_bt709(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    assert stitch(_chunks(52), None, path) == 52
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = [frame.time for frame in container.decode(stream)]
        context = stream.codec_context
        assert (stream.codec.name, context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 25
        assert (int(context.colorspace), int(context.color_trc), int(context.color_primaries)) == (1, 1, 1)
        assert not container.streams.audio
    assert times == pytest.approx([n / 25 for n in range(52)])


def test_levels_survive_the_way_to_yuv_and_back(tmp_path: Path) -> None:
    frames = np.zeros((5, SIZE, SIZE, 3), np.uint8)
    frames[:] = (200, 90, 40)
    stitch(iter([Chunk(sequence=0, frames=frames)]), None, tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as container:
        pixels = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert np.abs(pixels[32, 32].astype(int) - (200, 90, 40)).max() <= 4


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
def test_sound_starts_at_zero_to_the_sample(rate_hz: int, tmp_path: Path) -> None:
    samples = _clicks(2.0, rate_hz)
    stitch(_chunks(50), _sound(samples, rate_hz), tmp_path / "a.mp4")
    heard = _decoded_sound(tmp_path / "a.mp4")
    lags = [int(np.abs(heard[n - 40 : n + 40]).argmax()) - 40 for n in np.flatnonzero(samples[:, 0])]
    assert set(lags) == {0}


def test_the_sound_is_as_long_as_it_was(tmp_path: Path) -> None:
    stitch(_chunks(48), _sound(_clicks(1.9, 16_000), 16_000), tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.audio[0]
        assert stream.time_base is not None
        assert stream.duration is not None
        assert float(stream.duration * stream.time_base) == pytest.approx(1.9, abs=0.001)


def test_sound_beyond_the_last_picture_is_cut(tmp_path: Path) -> None:
    stitch(_chunks(10), _sound(_clicks(5.0, 16_000), 16_000), tmp_path / "a.mp4")
    assert len(_decoded_sound(tmp_path / "a.mp4")) / 16_000 == pytest.approx(0.44, abs=0.07)


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_channels_reach_the_file(channels: int, tmp_path: Path) -> None:
    samples = np.repeat(_clicks(0.4, 48_000), channels, axis=1)
    stitch(_chunks(10), _sound(samples, 48_000), tmp_path / "a.mp4")
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.audio[0].codec_context.channels == channels


def test_blocks_of_any_size_give_the_same_file(tmp_path: Path) -> None:
    for name, block in (("a.mp4", 17), ("b.mp4", 50_000)):
        stitch(_chunks(50), _sound(_clicks(2.0, 16_000), 16_000, block), tmp_path / name)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_the_index_comes_before_the_media(tmp_path: Path) -> None:
    stitch(_chunks(10), None, tmp_path / "a.mp4")
    content = (tmp_path / "a.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, BadInput, RuntimeError])
def test_an_interrupted_file_never_appears(interruption: type[BaseException], tmp_path: Path) -> None:
    def chunks() -> Iterator[Chunk]:
        yield from _chunks(20)
        raise interruption

    with pytest.raises(interruption):
        stitch(chunks(), None, tmp_path / "a.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_failure_keeps_the_previous_file(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"previous")

    def chunks() -> Iterator[Chunk]:
        yield from _chunks(20)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stitch(chunks(), None, tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").read_bytes() == b"previous"


def test_the_file_has_the_rights_of_any_new_file(tmp_path: Path) -> None:
    stitch(_chunks(5), None, tmp_path / "a.mp4")
    (tmp_path / "other").touch()
    assert (tmp_path / "a.mp4").stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("name", ["a.avi", "a", "a.mp4.png", "none/a.mp4", "dir.mp4"])
def test_an_output_that_cannot_be_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "dir.mp4").mkdir()
    with pytest.raises(BadInput, match="output"):
        check_output(tmp_path / name, ())


def test_an_output_that_is_an_input_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    source.touch()
    os.link(source, tmp_path / "b.mp4")
    for output in (source, tmp_path / "b.mp4", tmp_path / "." / "a.mp4"):
        with pytest.raises(BadInput, match="also an input"):
            check_output(output, (source,))


@pytest.mark.parametrize("name", ["12:30 Ünï %d.mp4", "-a.mp4", f"{'n' * 240}.MP4"])
def test_any_name_can_be_written(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_output(Path(name), ())
    assert stitch(_chunks(5), None, Path(name)) == 5
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_checking_an_output_leaves_nothing_behind(tmp_path: Path) -> None:
    check_output(tmp_path / "a.mp4", ())
    assert list(tmp_path.iterdir()) == []
