from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import cv2
import numpy as np
import pytest
from PIL import Image

from models.personalive.bundle import load_portrait
from models.rig.bundle import load_rig
from services.encoding import driver, identity
from services.encoding.faults import Fault
from services.encoding.loading import load_config
from services.encoding.workshop import build_bundle, open_driver, open_streams
from services.kit.contracts import CHUNK_SAMPLES, Segment


def _picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (128, 128), (90, 120, 90)).save(file, "PNG")
    return file.getvalue()


def test_bytes_that_are_no_picture_are_the_users_fault() -> None:
    with pytest.raises(Fault, match=r"^portrait is not a readable picture") as caught:
        build_bundle("lpm", b"hello", 256, 0)
    assert caught.value.code == "portrait_unreadable"


def test_a_picture_without_a_face_is_the_users_fault() -> None:
    with pytest.raises(Fault, match=r"^portrait shows no face") as caught:
        build_bundle("lpm", _picture(), 256, 0)
    assert caught.value.code == "no_face"


@pytest.mark.parametrize(
    "error", [np.linalg.LinAlgError("singular"), ZeroDivisionError(), cv2.error("empty"), ValueError("odd")]
)
def test_a_face_that_numbers_fail_on_stops_nobody_else(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(identity, "encode_portrait", fail)
    with pytest.raises(Fault) as caught:
        build_bundle("lpm", _picture(), 256, 0)
    assert caught.value.code == "portrait_unusable"


def test_an_engine_that_there_is_none_of_is_refused() -> None:
    with pytest.raises(Fault, match="'abacus' is not known, expected lpm"):
        open_streams("abacus")


def test_an_engine_that_hears_a_speech_is_given_its_samples() -> None:
    speech = np.linspace(-1, 1, CHUNK_SAMPLES, dtype=np.float32)

    (cue,) = open_streams("fantasytalking").push(Segment(sequence=0, is_final=True, speech=speech))

    assert cue.waveform is not None
    np.testing.assert_array_equal(cue.waveform, speech)


def test_an_engine_that_hears_a_speech_follows_no_driver(tmp_path: Path) -> None:
    with pytest.raises(Fault, match="engine fantasytalking follows no driver, expected a speech") as caught:
        next(open_driver("fantasytalking", tmp_path / "driver.mp4", Event()))
    assert caught.value.code == "engine_needs_speech"


def test_both_streams_are_heard_on_the_terms_of_the_engine() -> None:
    samples, config = np.zeros(CHUNK_SAMPLES, np.float32), load_config("lpm")
    segment = Segment(sequence=0, is_final=True, speech=samples, listen=samples)
    (cue,) = open_streams("lpm").push(segment)
    assert cue.speak is not None
    assert cue.listen is not None
    assert (len(cue.speak), len(cue.listen)) == (config.window_mels, config.listen_mels)


def test_a_driver_that_cannot_be_read_is_named_without_our_path(tmp_path: Path) -> None:
    path = tmp_path / "driver"
    path.write_bytes(b"no video")
    with pytest.raises(Fault, match=r"^driver is not a sound or video file") as caught:
        next(open_driver("lpm", path, Event()))
    assert caught.value.code == "driver_unreadable"


def test_a_driver_is_read_no_further_when_nobody_wants_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_stopped = Event()
    is_stopped.set()

    def listed(read: object) -> Iterator[object]:
        assert callable(read)
        return iter(list(read()))

    monkeypatch.setattr(driver, "encode_driver", listed)
    monkeypatch.setattr("services.kit.media.driver.read_driver", lambda _path: iter([object()]))
    assert list(open_driver("lpm", tmp_path, is_stopped)) == []


@pytest.mark.parametrize(
    ("engine", "code"), [("other", "engine_unknown"), ("personalive", "engine_needs_driver")]
)
def test_an_engine_that_hears_nothing_is_not_spoken_to(engine: str, code: str) -> None:
    with pytest.raises(Fault) as caught:
        open_streams(engine)
    assert caught.value.code == code


def test_the_bundle_of_an_engine_that_looks_itself_is_the_framed_portrait(example_portrait: Path) -> None:
    bundle = build_bundle("personalive", example_portrait.read_bytes(), 256, 0)
    portrait = load_portrait(bundle.data)
    assert (portrait.pixels.shape, portrait.size, bundle.num_faces) == ((512, 512, 3), 256, 1)
    with pytest.raises(ValueError, match="not a rig"):
        load_rig(bundle.data)
