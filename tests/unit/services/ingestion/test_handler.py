from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from services.ingestion.domain import Limits
from services.kit import messages as m
from services.kit.errors import Stale
from tests.unit.services.ingestion.conftest import FakeVoice, Studio, cancel, performance

Tone = Callable[..., NDArray[np.float32]]
AudioWriter = Callable[..., Path]
VideoWriter = Callable[..., Path]
MakeStudio = Callable[..., Studio]

SPEECH = "ten_a/performances/per_a/speech"
TRACK = "ten_a/performances/per_a/0/soundtrack.m4a"


def duration_of(content: bytes) -> float:
    with av.open(BytesIO(content)) as container:
        stream = container.streams.audio[0]
        assert stream.duration is not None
        assert stream.time_base is not None
        return float(stream.duration * stream.time_base)


def spoken(segments: list[m.Segment]) -> list[NDArray[np.float32]]:
    return [segment.speech for segment in segments if segment.speech is not None]


async def perform_file(studio: Studio, path: Path, **fields: Any) -> None:
    await studio.blobs.put_file(SPEECH, path, "audio/wav")
    await studio.finish(performance(speech_uri=SPEECH, **fields))


def test_a_speech_becomes_segments_without_a_gap(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service, samples = studio(), tone(5.5)
    asyncio.run(perform_file(service, write_audio("a.wav", samples, codec="pcm_f32le")))
    segments = service.segments()
    assert [segment.envelope.sequence for segment in segments] == list(range(28))
    assert [segment.is_final for segment in segments] == [False] * 27 + [True]
    assert np.array_equal(np.concatenate(spoken(segments)), samples[:, 0])
    assert {segment.listen for segment in segments} == {None}
    assert service.settled == ["per_a"]


def test_the_first_segment_opens_the_session_and_names_the_soundtrack(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()
    asyncio.run(perform_file(service, write_audio("a.wav", tone(0.5))))
    expected = replace(performance().opening, soundtrack_uri=TRACK)
    assert [segment.opening for segment in service.segments()] == [expected, None, None]


def test_the_length_is_told_before_the_first_segment_and_exactly_before_the_last(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()
    asyncio.run(perform_file(service, write_audio("a.wav", tone(1.3))))
    assert [status.num_frames for status in service.statuses()] == [33, 33]
    topics = [record.topic.split(".")[2] for record in service.bus.published]
    assert topics == ["status", "segment", "status", *["segment"] * 6]


def test_the_soundtrack_is_stored_before_the_last_segment(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()
    stored: list[bool] = []
    publish = service.bus.publish

    async def look_first(records: object) -> None:
        stored.append(await service.blobs.info(TRACK) is not None)
        await publish(records)  # type: ignore[arg-type]  # passed on as it came

    service.bus.publish = look_first  # type: ignore[method-assign]  # a spy
    asyncio.run(perform_file(service, write_audio("a.wav", tone(1.9, 44_100, 2), 44_100)))
    assert stored[-1]
    assert duration_of(asyncio.run(service.blobs.get(TRACK))) == pytest.approx(1.9, abs=0.001)


def test_a_performance_delivered_again_gives_the_same_bytes(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    path = write_audio("a.wav", tone(3.0))
    first, second = studio("a"), studio("b")
    for service in (first, second):
        asyncio.run(perform_file(service, path))
    assert first.bus.published == second.bus.published
    assert asyncio.run(first.blobs.get(TRACK)) == asyncio.run(second.blobs.get(TRACK))


def test_a_broker_that_does_not_answer_is_waited_for(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()
    service.bus.failures = 2
    asyncio.run(perform_file(service, write_audio("a.wav", tone(0.5))))
    assert [segment.envelope.sequence for segment in service.segments()] == [0, 1, 2]


def test_a_direction_is_in_force_from_the_first_chunk_that_begins_after_its_start(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()
    happy = m.Direction(start_s=0.3, end_s=0.5, text="happy")
    calm = m.Direction(start_s=0.6, end_s=0.0, text="calm")
    path = write_audio("a.wav", tone(1.0))
    asyncio.run(perform_file(service, path, directions=(happy, calm)))
    directions = [segment.directions for segment in service.segments()]
    assert directions == [(), (), (happy,), (calm,), (calm,)]


def test_text_is_spoken_once_and_kept(studio: MakeStudio, tone: Tone, write_audio: AudioWriter) -> None:
    voice = FakeVoice(write_audio("voice.wav", tone(0.4)))
    service = studio(voice=voice)
    text = m.SpokenText(text="  Hello you. ", voice="v", language="en")

    async def scenario() -> None:
        await service.finish(performance(speech_text=text))
        await service.finish(performance(speech_text=text, epoch=1))

    asyncio.run(scenario())
    assert voice.spoken == [("Hello you.", "v", "en")]
    assert [segment.envelope.epoch for segment in service.segments()] == [0, 0, 1, 1]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "text_unspeakable"),
        ("?!", "text_unspeakable"),
        ("a\x07b", "text_unspeakable"),
        ("a" * 21, "text_too_long"),
    ],
)
def test_a_text_that_cannot_be_spoken_fails(text: str, code: str, studio: MakeStudio) -> None:
    service = studio(limits=Limits(text_characters=20))
    asyncio.run(service.finish(performance(speech_text=m.SpokenText(text=text))))
    assert service.failure()[0] == code


def test_a_voice_that_is_away_too_long_fails_the_performance(studio: MakeStudio) -> None:
    service = studio(voice=FakeVoice(failures=5))
    asyncio.run(service.finish(performance(speech_text=m.SpokenText(text="Hello"))))
    assert service.failure() == ("voice_unavailable", "speech cannot be had: nobody speaks")


@pytest.mark.parametrize(
    ("content", "code", "detail"),
    [
        (b"no sound " * 500, "input_unreadable", "speech is not a sound or video file that can be read"),
        (b"", "input_unreadable", "speech is empty"),
    ],
)
def test_an_unreadable_speech_fails_without_naming_our_files(
    content: bytes, code: str, detail: str, studio: MakeStudio, tmp_path: Path
) -> None:
    service = studio()
    (tmp_path / "a.wav").write_bytes(content)
    asyncio.run(perform_file(service, tmp_path / "a.wav"))
    assert service.failure() == (code, detail)
    assert service.settled == ["per_a"]
    assert list(service.workspace.iterdir()) == []


def test_a_speech_below_a_frame_fails(studio: MakeStudio, tone: Tone, write_audio: AudioWriter) -> None:
    service = studio()
    asyncio.run(perform_file(service, write_audio("a.wav", tone(0.01))))
    assert service.failure()[0] == "speech_too_short"


def test_a_speech_that_says_it_is_too_long_fails_before_its_first_segment(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()
    asyncio.run(perform_file(service, write_audio("a.wav", tone(2.0)), max_duration_s=1.5))
    assert service.failure()[0] == "too_long"
    assert service.segments() == []


def test_a_speech_that_does_not_say_so_fails_where_it_becomes_too_long(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()
    path = write_audio("a.aac", tone(9.0), codec="aac")
    asyncio.run(perform_file(service, path, max_duration_s=5.0))
    assert service.failure()[0] == "too_long"
    assert not any(segment.is_final for segment in service.segments())


def test_a_missing_upload_fails(studio: MakeStudio) -> None:
    service = studio()
    asyncio.run(service.finish(performance(speech_uri=SPEECH)))
    assert service.failure()[0] == "input_missing"


def test_a_url_into_our_network_fails(studio: MakeStudio) -> None:
    service = studio()
    asyncio.run(service.finish(performance(speech_url="http://169.254.169.254/latest/meta-data")))
    assert service.failure()[0] == "input_refused"


def test_a_url_without_a_server_fails(studio: MakeStudio) -> None:
    service = studio()
    asyncio.run(service.finish(performance(speech_url="http://127.0.0.1:1/a.wav")))
    assert service.failure()[0] == "input_unreachable"


def converse(studio: Studio, tracks: dict[str, Path], **fields: Any) -> None:
    async def scenario() -> None:
        for name, path in tracks.items():
            await studio.blobs.put_file(f"ten_a/performances/per_a/{name}", path, "audio/wav")
        uris: dict[str, Any] = {f"{name}_uri": f"ten_a/performances/per_a/{name}" for name in tracks}
        await studio.finish(performance(**uris, **fields))

    asyncio.run(scenario())


def test_two_tracks_become_segments_of_both_on_one_clock(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service, speech, listen = studio(), tone(1.0), tone(0.6, hertz=300)
    files = {
        "speech": write_audio("a.wav", speech, codec="pcm_f32le"),
        "listen": write_audio("b.wav", listen, codec="pcm_f32le"),
    }
    converse(service, files)
    segments = service.segments()
    assert np.array_equal(np.concatenate(spoken(segments)), speech[:, 0])
    heard = [segment.listen for segment in segments if segment.listen is not None]
    assert np.array_equal(np.concatenate(heard), listen[:, 0])
    assert [segment.listen is None for segment in segments] == [False, False, False, True, True]
    assert [status.num_frames for status in service.statuses()] == [25, 25]


def test_tracks_of_unequal_length_are_told_of_with_the_exact_length(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()
    files = {"speech": write_audio("a.wav", tone(0.5)), "listen": write_audio("b.wav", tone(1.1))}
    converse(service, files)
    notice = m.Notice(
        code="speech_shorter",
        detail="speech lasts 0.50 s, 0.60 s less than listen: it counts as absent from 0.6 s on",
    )
    assert [status.notices for status in service.statuses()] == [(), (notice,)]


def test_a_direction_past_the_end_of_a_recording_fails(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()
    late = m.Direction(start_s=2.0, end_s=3.0, text="nod")
    asyncio.run(perform_file(service, write_audio("a.wav", tone(0.5)), directions=(late,)))
    assert service.failure()[0] == "timeline_past_end"
    assert not any(segment.is_final for segment in service.segments())


def test_a_direction_past_the_end_of_a_text_is_told_of(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio(voice=FakeVoice(write_audio("voice.wav", tone(0.5))))
    late = m.Direction(start_s=2.0, end_s=3.0, text="nod")
    asked = performance(speech_text=m.SpokenText(text="Hello"), directions=(late, replace(late, start_s=0.2)))
    asyncio.run(service.finish(asked))
    [notice] = service.statuses()[-1].notices
    assert (notice.code, "from 2 s to 3 s" in notice.detail) == ("direction_unused", True)


def test_the_soundtrack_of_a_conversation_carries_both_voices(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()
    files = {"speech": write_audio("a.wav", tone(0.5)), "listen": write_audio("b.wav", tone(1.0))}
    converse(service, files)
    assert duration_of(asyncio.run(service.blobs.get(TRACK))) == pytest.approx(1.0, abs=0.001)
    with av.open(BytesIO(asyncio.run(service.blobs.get(TRACK)))) as container:
        assert container.streams.audio[0].layout.name == "stereo"


def test_a_track_to_listen_to_alone_is_heard_as_it_is(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    alone, spoken_to = studio("a"), studio("b")
    path = write_audio("a.wav", tone(0.7))
    converse(spoken_to, {"listen": path})
    asyncio.run(perform_file(alone, path))
    assert asyncio.run(spoken_to.blobs.get(TRACK)) == asyncio.run(alone.blobs.get(TRACK))
    assert [segment.speech for segment in spoken_to.segments()] == [None] * 4
    assert all(segment.listen is not None for segment in spoken_to.segments())


def test_the_track_that_is_too_long_is_named(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()
    files = {"speech": write_audio("a.wav", tone(1.0)), "listen": write_audio("b.wav", tone(2.0))}
    converse(service, files, max_duration_s=1.5)
    assert service.failure() == ("too_long", "listen lasts 2.00 s, expected at most 1.5 s")


def test_the_track_that_shows_to_be_too_long_is_named(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()
    files = {
        "speech": write_audio("a.wav", tone(1.0)),
        "listen": write_audio("b.aac", tone(9.0), codec="aac"),
    }
    converse(service, files, max_duration_s=5.0)
    assert service.failure()[0] == "too_long"
    assert service.failure()[1].startswith("listen lasts ")


def test_the_track_that_is_missing_is_named(studio: MakeStudio, tone: Tone, write_audio: AudioWriter) -> None:
    service = studio()
    converse(service, {"speech": write_audio("a.wav", tone(0.5))}, listen_uri="ten_a/elsewhere")
    assert service.failure() == ("input_missing", "listen: the uploaded file is no longer there")


def test_a_track_to_listen_to_may_not_come_from_our_network(studio: MakeStudio) -> None:
    service = studio()
    asyncio.run(service.finish(performance(listen_url="http://169.254.169.254/latest/meta-data")))
    assert service.failure()[0] == "input_refused"
    assert service.failure()[1].startswith("listen URL is refused")


def test_a_driver_becomes_one_segment_and_a_soundtrack(
    studio: MakeStudio, tone: Tone, write_video: VideoWriter
) -> None:
    service = studio()
    path = write_video("a.mp4", [50] * 25, [n / 25 for n in range(25)], tone(3.0))
    asyncio.run(perform_driver(service, path))
    [segment] = service.segments()
    assert (segment.driver_uri, segment.speech, segment.is_final) == (DRIVER, None, True)
    assert segment.opening is not None
    assert segment.opening.soundtrack_uri == TRACK
    assert [status.num_frames for status in service.statuses()] == [25]
    assert duration_of(asyncio.run(service.blobs.get(TRACK))) == pytest.approx(2.0, abs=0.1)


DRIVER = "ten_a/performances/per_a/driver"


async def perform_driver(studio: Studio, path: Path, **fields: Any) -> None:
    await studio.blobs.put_file(DRIVER, path, "video/mp4")
    await studio.finish(performance(driver_uri=DRIVER, **fields))


def test_a_silent_driver_has_no_soundtrack(studio: MakeStudio, write_video: VideoWriter) -> None:
    service = studio()
    asyncio.run(perform_driver(service, write_video("a.mp4", [50] * 5, [n / 25 for n in range(5)])))
    [segment] = service.segments()
    assert segment.opening is not None
    assert segment.opening.soundtrack_uri == ""
    assert asyncio.run(service.blobs.info(TRACK)) is None


def test_a_driver_that_is_too_long_fails(studio: MakeStudio, write_video: VideoWriter) -> None:
    service = studio()
    path = write_video("a.mp4", [50] * 50, [n / 25 for n in range(50)])
    asyncio.run(perform_driver(service, path, max_duration_s=1.0))
    assert service.failure()[0] == "too_long"
    assert service.segments() == []


def test_a_driver_without_pictures_fails(studio: MakeStudio, tone: Tone, write_audio: AudioWriter) -> None:
    service = studio()
    asyncio.run(perform_driver(service, write_audio("a.wav", tone(0.5))))
    assert service.failure() == ("input_unreadable", "driver has no video stream")


def test_a_cancel_stops_a_running_performance_and_settles_it(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()

    async def scenario() -> None:
        await service.blobs.put_file(SPEECH, write_audio("a.wav", tone(9.0)), "audio/wav")
        async with service.open() as ingestion:
            service.bus.gate.clear()
            await ingestion.perform(performance(speech_uri=SPEECH), service.receipt())
            await asyncio.sleep(0.05)
            await ingestion.control(cancel())
            service.bus.gate.set()
            await service.until(lambda: not any(service.workspace.iterdir()))

    asyncio.run(scenario())
    assert service.settled == ["per_a"]
    assert service.segments() == []
    assert service.statuses() == []


def test_a_performance_cancelled_before_it_came_is_stale(studio: MakeStudio) -> None:
    service = studio()

    async def scenario() -> None:
        async with service.open() as ingestion:
            await ingestion.control(cancel(epoch=1))
            with pytest.raises(Stale):
                await ingestion.perform(performance(speech_uri=SPEECH, epoch=1), service.receipt())

    asyncio.run(scenario())


def test_a_newer_attempt_ends_the_older_one(studio: MakeStudio, tone: Tone, write_audio: AudioWriter) -> None:
    service = studio()

    async def scenario() -> None:
        await service.blobs.put_file(SPEECH, write_audio("a.wav", tone(0.5)), "audio/wav")
        async with service.open() as ingestion:
            service.bus.gate.clear()
            await ingestion.perform(performance(speech_uri=SPEECH), service.receipt("old"))
            await ingestion.perform(performance(speech_uri=SPEECH, epoch=1), service.receipt("new"))
            service.bus.gate.set()
            await service.until(lambda: service.settled == ["old", "new"])
            with pytest.raises(Stale):
                await ingestion.perform(performance(speech_uri=SPEECH), service.receipt())

    asyncio.run(scenario())
    assert {segment.envelope.epoch for segment in service.segments()} == {1}


def test_the_performances_of_a_lost_partition_stop_unsettled_and_may_come_back(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()

    async def scenario() -> None:
        await service.blobs.put_file(SPEECH, write_audio("a.wav", tone(0.5)), "audio/wav")
        async with service.open() as ingestion:
            service.bus.gate.clear()
            await ingestion.perform(performance(speech_uri=SPEECH), service.receipt("lost", partition=3))
            ingestion.release(2)
            ingestion.release(3)
            await ingestion.perform(performance(speech_uri=SPEECH), service.receipt("back", partition=3))
            service.bus.gate.set()
            await service.until(lambda: bool(service.settled))

    asyncio.run(scenario())
    assert service.settled == ["back"]
    assert [segment.envelope.sequence for segment in service.segments()] == [0, 1, 2]


def test_a_slow_performance_does_not_hold_up_the_next_one(
    studio: MakeStudio, tone: Tone, write_audio: AudioWriter
) -> None:
    service = studio()

    async def scenario() -> None:
        await service.blobs.put_file(SPEECH, write_audio("a.wav", tone(0.5)), "audio/wav")
        hang = asyncio.Event()

        async def wait(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await hang.wait()
            writer.close()

        server = await asyncio.start_server(wait, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.wav"
        async with server, service.open() as ingestion:
            await ingestion.perform(performance("per_slow", speech_url=url), service.receipt("slow"))
            await ingestion.perform(performance("per_b", speech_uri=SPEECH), service.receipt("quick"))
            await service.until(lambda: bool(service.settled))
            hang.set()

    asyncio.run(scenario())
    assert service.settled == ["quick"]


def test_more_performances_than_places_wait(studio: MakeStudio, tone: Tone, write_audio: AudioWriter) -> None:
    service = studio(limits=Limits(sessions=1))

    async def scenario() -> None:
        await service.blobs.put_file(SPEECH, write_audio("a.wav", tone(0.5)), "audio/wav")
        async with service.open() as ingestion:
            service.bus.gate.clear()
            await ingestion.perform(performance("per_b", speech_uri=SPEECH), service.receipt("b"))
            waiting = asyncio.create_task(
                ingestion.perform(performance("per_c", speech_uri=SPEECH), service.receipt("c"))
            )
            await asyncio.sleep(0.05)
            assert not waiting.done()
            service.bus.gate.set()
            await waiting
            await service.until(lambda: service.settled == ["b", "c"])

    asyncio.run(scenario())
