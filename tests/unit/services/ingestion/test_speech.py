from __future__ import annotations

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from services.ingestion.domain import InputFault
from services.ingestion.speech import probe_speech, read_speech, to_pieces
from services.kit.contracts import ANALYSIS_RATE_HZ, CHUNK_SAMPLES, FloatArray
from services.kit.errors import BadInput

Tone = Callable[..., NDArray[np.float32]]
AudioWriter = Callable[..., Path]


def _whole(path: Path) -> FloatArray:
    return np.concatenate(list(read_speech(path)))


def _pitch_hz(samples: FloatArray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size)))
    return float(spectrum.argmax()) * ANALYSIS_RATE_HZ / samples.size


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz"),
    [
        ("a.wav", "pcm_s16le", 16_000),
        ("a.flac", "flac", 44_100),
        ("a.mp3", "libmp3lame", 44_100),
        ("a.m4a", "aac", 48_000),
        ("a.ogg", "libopus", 48_000),
        ("a.opus", "libopus", 48_000),
        ("a.webm", "libopus", 48_000),
        ("a.mkv", "flac", 24_000),
    ],
)
def test_every_container_gives_the_same_speech(
    name: str, codec: str, rate_hz: int, tone: Tone, write_audio: AudioWriter
) -> None:
    samples = _whole(write_audio(name, tone(1.3, rate_hz), rate_hz, codec))
    assert samples.size / ANALYSIS_RATE_HZ == pytest.approx(1.3, abs=0.03)
    assert _pitch_hz(samples) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 37_800, 96_000, 192_000])
def test_any_rate_becomes_16_khz_without_losing_a_sample(
    rate_hz: int, tone: Tone, write_audio: AudioWriter
) -> None:
    samples = _whole(write_audio("a.wav", tone(1.0, rate_hz), rate_hz))
    assert abs(samples.size - ANALYSIS_RATE_HZ) <= 16
    assert _pitch_hz(samples) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"])
def test_any_depth_keeps_its_level(codec: str, tone: Tone, write_audio: AudioWriter) -> None:
    samples = _whole(write_audio("a.wav", tone(0.5), codec=codec))
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("channels", range(1, 9))
@pytest.mark.parametrize(("name", "codec"), [("a.wav", "pcm_s16le"), ("a.flac", "flac"), ("a.m4a", "aac")])
def test_any_number_of_channels_is_heard(
    channels: int, name: str, codec: str, tone: Tone, write_audio: AudioWriter
) -> None:
    samples = _whole(write_audio(name, tone(0.5, 48_000, channels), 48_000, codec))
    assert _pitch_hz(samples) == pytest.approx(440, abs=3)
    assert np.abs(samples[2000:-2000]).max() > 0.3


def test_channels_without_a_named_layout_are_heard(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setnchannels(3)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.full((16_000, 3), 8192, "<i2").tobytes())
    assert _whole(tmp_path / "a.wav")[8000] == pytest.approx(0.25, abs=1e-3)


def test_the_sound_of_a_video_is_speech(tone: Tone, write_video: Callable[..., Path]) -> None:
    path = write_video("a.mp4", [0, 99], [0.0, 0.5], tone(1.0))
    assert _pitch_hz(_whole(path)) == pytest.approx(440, abs=2)


def test_pieces_lie_on_the_chunk_clock(tone: Tone, write_audio: AudioWriter) -> None:
    pieces = list(read_speech(write_audio("a.wav", tone(0.9))))
    assert [piece.size for piece in pieces] == [3200, 3200, 3200, 3200, 1600]


def test_a_whole_number_of_chunks_ends_with_a_full_piece() -> None:
    blocks = (np.zeros(n, np.float32) for n in (1, CHUNK_SAMPLES, CHUNK_SAMPLES - 1))
    assert [piece.size for piece in to_pieces(blocks, CHUNK_SAMPLES)] == [CHUNK_SAMPLES, CHUNK_SAMPLES]


def test_faults_name_the_track(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"^listen .* does not exist"):
        probe_speech(tmp_path / "a.wav", "listen")


def test_what_is_not_a_number_becomes_silence(tone: Tone, write_audio: AudioWriter) -> None:
    samples = tone(0.5)
    samples[1000:2000] = np.nan
    samples[3000] = np.inf
    heard = _whole(write_audio("a.wav", samples, codec="pcm_f32le"))
    assert np.isfinite(heard).all()
    assert not heard[1100:1900].any()


def test_a_cut_file_is_read_to_its_end(tone: Tone, write_audio: AudioWriter) -> None:
    path = write_audio("a.mp3", tone(2.0, 44_100), 44_100, "libmp3lame")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 0.5 < _whole(path).size / ANALYSIS_RATE_HZ < 1.5


def test_garbage_in_the_middle_is_passed_over(tone: Tone, write_audio: AudioWriter) -> None:
    path = write_audio("a.flac", tone(3.0, 44_100), 44_100, "flac")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = np.random.default_rng(0).bytes(2000)
    path.write_bytes(content)
    assert _whole(path).size > 2 * ANALYSIS_RATE_HZ


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"RIFF", "not a sound or video file"),
        (b"not sound at all " * 500, "not a sound or video file"),
        (bytes(50_000), "not a sound or video file"),
        (b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n#EXT-X-ENDLIST\n", "not a sound or video file"),
    ],
)
def test_what_is_not_sound_is_refused(content: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=reason):
        list(read_speech(path))


def test_random_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(np.random.default_rng(0).bytes(200_000))
    with pytest.raises(BadInput, match="speech"):
        list(read_speech(path))


def test_a_file_without_samples_is_refused(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
    with pytest.raises(BadInput, match="no decodable audio"):
        list(read_speech(tmp_path / "a.wav"))


def test_a_speech_shorter_than_a_frame_is_refused(tone: Tone, write_audio: AudioWriter) -> None:
    with pytest.raises(InputFault, match=r"^listen .* at least one frame") as caught:
        list(read_speech(write_audio("a.wav", tone(0.03)), "listen"))
    assert caught.value.code == "listen_too_short"


@pytest.mark.parametrize("rate_hz", [1, 2_000_000_000])
def test_an_absurd_rate_is_refused(rate_hz: int, tone: Tone, write_audio: AudioWriter) -> None:
    path = write_audio("a.wav", tone(1.0))
    content = bytearray(path.read_bytes())
    content[24:28] = rate_hz.to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(BadInput, match="Hz"):
        list(read_speech(path))


def test_a_silent_video_is_refused(write_video: Callable[..., Path]) -> None:
    with pytest.raises(BadInput, match="no audio stream"):
        list(read_speech(write_video("a.mp4", [0, 99], [0.0, 0.04])))


def test_a_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a directory"):
        list(read_speech(tmp_path))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="does not exist"):
        list(read_speech(tmp_path / "a.wav"))
