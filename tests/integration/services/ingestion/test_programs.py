from __future__ import annotations

import asyncio
import stat
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from services.ingestion.adapters.espeak import EspeakVoice
from services.ingestion.adapters.flite import FliteVoice
from services.ingestion.domain import InputFault
from services.ingestion.speech import read_speech
from services.ingestion.voice import SpeechSynthesizer
from services.kit.errors import Unavailable

VOICES = pytest.mark.parametrize("voice", [EspeakVoice(), FliteVoice()], ids=["espeak-ng", "flite"])


def seconds_of(path: Path) -> float:
    return sum(piece.size for piece in read_speech(path)) / 16_000


def speak(voice: SpeechSynthesizer, path: Path, text: str, name: str = "", language: str = "") -> str:
    return asyncio.run(_within(voice.speak(text, name, language, path)))


async def _within(speaking: Awaitable[str]) -> str:
    async with asyncio.timeout(120):
        return await speaking


@VOICES
def test_a_text_is_heard(voice: SpeechSynthesizer, tmp_path: Path) -> None:
    assert speak(voice, tmp_path / "a.wav", "Good morning, this is a test.") == "audio/wav"
    pieces = list(read_speech(tmp_path / "a.wav"))
    assert 1.0 < len(pieces) * 0.2 < 4.0
    assert max(float(np.abs(piece).max()) for piece in pieces) > 0.05


@VOICES
def test_the_same_text_gives_the_same_sound(voice: SpeechSynthesizer, tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        speak(voice, tmp_path / name, "Once more.")
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


@VOICES
@pytest.mark.parametrize(
    "text",
    [
        "-o /dev/null; $(touch pwned) `id` | cat",
        "--version",
        "<speak>Hello</speak>",
        "[[h@'loU]] Hello",
        "a\nb\tc",
    ],
)
def test_a_text_is_only_ever_text(voice: SpeechSynthesizer, text: str, tmp_path: Path) -> None:
    speak(voice, tmp_path / "a.wav", text)
    assert seconds_of(tmp_path / "a.wav") > 0.1
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@VOICES
@pytest.mark.parametrize(
    "name",
    ["../../../etc/passwd", "/etc/passwd", "http://127.0.0.1:1/voice", "-w", "nobody", "en us", "mb/mb-us1"],
)
def test_a_voice_is_never_a_path_a_url_or_an_option(
    voice: SpeechSynthesizer, name: str, tmp_path: Path
) -> None:
    with pytest.raises(InputFault) as caught:
        speak(voice, tmp_path / "a.wav", "Hello", name)
    assert caught.value.code == "voice_unknown"


@VOICES
def test_a_language_nobody_speaks_is_told(voice: SpeechSynthesizer, tmp_path: Path) -> None:
    with pytest.raises(InputFault) as caught:
        speak(voice, tmp_path / "a.wav", "Hello", language="xx-YY")
    assert caught.value.code == "language_unknown"


@pytest.mark.parametrize("language", ["de", "de-DE", "pt-BR", "en-AU", "fr-CA", "zh", "EN_us"])
def test_a_language_is_spoken_without_its_region_if_need_be(language: str, tmp_path: Path) -> None:
    speak(EspeakVoice(), tmp_path / "a.wav", "Radio", language=language)
    assert seconds_of(tmp_path / "a.wav") > 0.2


def test_languages_and_voices_sound_different(tmp_path: Path) -> None:
    for name, voice, language in (("a.wav", "", "de"), ("b.wav", "", "fr"), ("c.wav", "de+f3", "")):
        speak(EspeakVoice(), tmp_path / name, "Radio", voice, language)
    assert len({(tmp_path / name).read_bytes() for name in ("a.wav", "b.wav", "c.wav")}) == 3


@pytest.mark.parametrize(
    ("voice", "package"),
    [
        (EspeakVoice(program="espeak-ng-that-is-not-there"), "espeak-ng"),
        (FliteVoice(program="flite-that-is-not-there"), "flite"),
    ],
)
def test_a_missing_program_names_its_package(voice: SpeechSynthesizer, package: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match=f"apt-get install {package}"):
        speak(voice, tmp_path / "a.wav", "Hello")


def write_program(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def is_running(program: str) -> bool:
    """Whether a process names the program, as its shell and as what that turned into."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended meanwhile
            if program.encode() in path.read_bytes():
                return True
    return False


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hang", 'exec tail -f "$0"')
    voice = EspeakVoice(program=program, timeout_s=0.3)
    with pytest.raises(Unavailable, match=r"more than 0\.3 s"):
        speak(voice, tmp_path / "a.wav", "Hello", "en")
    assert not is_running(program)


def test_a_program_ends_with_the_performance_it_speaks_for(tmp_path: Path) -> None:
    program = write_program(tmp_path / "hang", 'exec tail -f "$0"')

    async def scenario() -> None:
        speaking = asyncio.create_task(
            EspeakVoice(program=program).speak("Hello", "en", "", tmp_path / "a.wav")
        )
        async with asyncio.timeout(60):
            while not is_running(program):
                await asyncio.sleep(0.01)
        speaking.cancel()
        await asyncio.gather(speaking, return_exceptions=True)

    asyncio.run(scenario())
    assert not is_running(program)


def test_a_program_that_fails_is_unavailable(tmp_path: Path) -> None:
    voice = EspeakVoice(program=write_program(tmp_path / "fail", "echo no memory >&2; exit 3"))
    with pytest.raises(Unavailable, match="ended with 3: no memory"):
        speak(voice, tmp_path / "a.wav", "Hello", "en")


def test_a_program_sees_nothing_of_our_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INGESTION_VOICE__KEY", "secret")
    program = write_program(tmp_path / "show", f"env > {tmp_path}/environment; cat > /dev/null")
    speak(EspeakVoice(program=program), tmp_path / "a.wav", "Hello", "en")
    assert "secret" not in (tmp_path / "environment").read_text()
