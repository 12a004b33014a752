"""Reading what a performance is asked to be: JSON, or a form with files, either with addresses or a text."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request

from services.gateway.api.bodies import JSON, media_type, parse_json, read_json, validate
from services.gateway.api.forms import MULTIPART, Form, Upload, read_form
from services.gateway.api.media_types import SOUND_TYPES, VIDEO_TYPES, media_type_of
from services.gateway.api.performances.models import (
    Listen,
    OfDriverUrl,
    OfListenUrl,
    OfSpeechUrl,
    OfText,
    PerformanceIn,
    Source,
)
from services.gateway.api.performances.timelines import check_timeline
from services.gateway.problems import INVALID_REQUEST, UNSUPPORTED_MEDIA_TYPE, Problem
from services.gateway.settings import BodySettings
from services.kit.engines import DRIVEN_ENGINES, SPOKEN_ENGINES

__all__ = [
    "FILE_TYPES",
    "FOLLOWED",
    "HEARD",
    "MODELS",
    "SAID",
    "TYPED_FIELDS",
    "Submission",
    "read_submission",
]

# A performance has one of what is said, one of what is heard, or one of each; or one that is followed.
SAID: Final = ("speech", "speech_url", "text")
HEARD: Final = ("listen", "listen_url")
FOLLOWED: Final = ("driver", "driver_url")
FILE_TYPES: Final = {"speech": SOUND_TYPES, "listen": SOUND_TYPES, "driver": VIDEO_TYPES}
# What a body with these inputs is read as; the first one that is given counts.
MODELS: Final[dict[str, type[PerformanceIn]]] = {
    "speech_url": OfSpeechUrl,
    "text": OfText,
    "listen_url": OfListenUrl,
    "driver_url": OfDriverUrl,
}
# Fields of a form that are JSON.
TYPED_FIELDS: Final = frozenset({"text", "timeline", "motion_intensity", "size", "seed", "metadata"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What was asked for; `uploads` are its files by name: `speech`, `listen` or `driver`."""

    asked: PerformanceIn
    source: Source | None
    listen: Listen | None
    uploads: Mapping[str, Upload]


@asynccontextmanager
async def read_submission(request: Request) -> AsyncIterator[Submission]:
    """Read the body of `POST /v1/performances`; uploads lie on disk while the context lasts."""
    kind = media_type(request)
    if kind == JSON:
        yield _submission(await read_json(request), {})
        return
    if kind != MULTIPART:
        raise Problem(UNSUPPORTED_MEDIA_TYPE, f"the body is {kind!r}, expected {JSON} or {MULTIPART}")
    bodies: BodySettings = request.app.state.gateway.settings.bodies
    tracks = {"speech": bodies.speech_bytes, "listen": bodies.listen_bytes}
    async with read_form(request, tracks, {"driver": bodies.driver_bytes}) as form:
        if not form.uploads:
            raise Problem(INVALID_REQUEST, f"body: there is no file, expected {_listed(FILE_TYPES, 'or')}")
        yield _submission(_values(form), form.uploads)


def _values(form: Form) -> dict[str, Any]:
    return {name: parse_json(text) if name in TYPED_FIELDS else text for name, text in form.fields.items()}


def _submission(value: object, uploads: Mapping[str, Upload]) -> Submission:
    fields = value if isinstance(value, dict) else {}
    given = {*uploads, *(name for name in MODELS if fields.get(name) is not None)}
    _check_inputs(given)
    asked = validate(next((MODELS[name] for name in MODELS if name in given), PerformanceIn), value)
    check_timeline(asked.timeline)
    _check_engine(asked, given)
    types = {name: _media_type(upload) for name, upload in uploads.items()}
    return Submission(
        asked=asked,
        source=_source_of(asked, uploads, types),
        listen=_listen_of(asked, uploads.get("listen"), types),
        uploads=uploads,
    )


def _check_inputs(given: Collection[str]) -> None:
    """Raise Problem invalid_request when these inputs do not make a performance."""
    for names in (SAID, HEARD, FOLLOWED):
        found = [name for name in names if name in given]
        if len(found) > 1:
            raise Problem(INVALID_REQUEST, f"body: {_listed(found, 'and')} are given, expected one of them")
    if len(given) > 1 and any(name in given for name in FOLLOWED):
        ordered = [name for name in (*FOLLOWED, *SAID, *HEARD) if name in given]
        detail = f"body: {_listed(ordered, 'and')} are given, but a driver takes no other input"
        raise Problem(INVALID_REQUEST, detail)
    if not given:
        raise Problem(INVALID_REQUEST, f"body: no input is given, expected {_listed(MODELS, 'or')}")


def _check_engine(asked: PerformanceIn, given: Collection[str]) -> None:
    """Raise Problem invalid_request when the engine does not take what is given; `request` says the same."""
    if asked.engine in DRIVEN_ENGINES:
        _expect_alone(FOLLOWED, given, asked.engine)
        _expect_none({"direction": asked.direction, "timeline": asked.timeline}, asked.engine)
    if asked.engine in SPOKEN_ENGINES:
        _expect_alone(SAID, given, asked.engine)
        _expect_none({"timeline": asked.timeline}, asked.engine)


def _expect_alone(expected: Collection[str], given: Collection[str], engine: str) -> None:
    if not all(name in expected for name in given):
        detail = f"{engine} takes {_listed(expected, 'or')} alone, found {_listed(sorted(given), 'and')}"
        raise Problem(INVALID_REQUEST, f"body.engine: {detail}")


def _expect_none(fields: Mapping[str, object], engine: str) -> None:
    for name, value in fields.items():
        if value:
            raise Problem(INVALID_REQUEST, f"body.{name}: {engine} follows none, expected none")


def _listed(names: Collection[str], word: str) -> str:
    *others, last = names
    return f"{', '.join(others)} {word} {last}" if others else last


def _media_type(upload: Upload) -> str:
    found = media_type_of(upload.head)
    if found is None or found not in FILE_TYPES[upload.name]:
        expected = "a video" if upload.name == "driver" else "sound or video"
        raise Problem(
            UNSUPPORTED_MEDIA_TYPE, f"body.{upload.name}: {found or 'unknown'}, expected {expected}"
        )
    return found


def _source_of(
    asked: PerformanceIn, uploads: Mapping[str, Upload], types: Mapping[str, str]
) -> Source | None:
    if isinstance(asked, OfSpeechUrl):
        return Source(kind="speech_url", url=asked.speech_url)
    if isinstance(asked, OfDriverUrl):
        return Source(kind="driver_url", url=asked.driver_url)
    if isinstance(asked, OfText):
        spoken = asked.text
        return Source(kind="text", text=spoken.text, voice=spoken.voice, language=spoken.language)
    if speech := uploads.get("speech"):
        return Source(kind="speech_file", media_type=types["speech"], size_bytes=speech.size_bytes)
    if driver := uploads.get("driver"):
        return Source(kind="driver_file", media_type=types["driver"], size_bytes=driver.size_bytes)
    return None


def _listen_of(asked: PerformanceIn, upload: Upload | None, types: Mapping[str, str]) -> Listen | None:
    if upload is not None:
        return Listen(kind="listen_file", media_type=types["listen"], size_bytes=upload.size_bytes)
    if isinstance(asked, OfSpeechUrl | OfText | OfListenUrl) and asked.listen_url is not None:
        return Listen(kind="listen_url", url=asked.listen_url)
    return None
