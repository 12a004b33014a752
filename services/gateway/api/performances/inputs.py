"""Reading what a performance is asked to be: a form with a file, or JSON with an address or a text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request

from services.gateway.api.bodies import JSON, media_type, parse_json, read_json, validate
from services.gateway.api.forms import MULTIPART, Form, Upload, read_form
from services.gateway.api.media_types import SOUND_TYPES, VIDEO_TYPES, media_type_of
from services.gateway.api.openapi import BINARY, Json, inline
from services.gateway.api.performances.models import (
    OfDriverUrl,
    OfSpeechUrl,
    OfText,
    PerformanceIn,
    Source,
)
from services.gateway.problems import INVALID_REQUEST, UNSUPPORTED_MEDIA_TYPE, Problem
from services.gateway.settings import BodySettings

__all__ = ["REQUEST", "Submission", "read_submission"]

_TYPED_FIELDS: Final = frozenset({"timeline", "size", "seed", "metadata"})
_INPUTS: Final[dict[str, type[PerformanceIn]]] = {
    "speech_url": OfSpeechUrl,
    "text": OfText,
    "driver_url": OfDriverUrl,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What was asked for; `upload` is the file when one drives the performance."""

    asked: PerformanceIn
    source: Source
    upload: Upload | None


@asynccontextmanager
async def read_submission(request: Request) -> AsyncIterator[Submission]:
    """Read the body of `POST /v1/performances`; an upload lies on disk while the context lasts."""
    kind = media_type(request)
    if kind == JSON:
        yield _from_json(await read_json(request))
        return
    if kind != MULTIPART:
        raise Problem(UNSUPPORTED_MEDIA_TYPE, f"the body is {kind!r}, expected {JSON} or {MULTIPART}")
    bodies: BodySettings = request.app.state.gateway.settings.bodies
    files = {"speech": bodies.speech_bytes, "driver": bodies.driver_bytes}
    async with read_form(request, files) as form:
        yield _from_form(form)


def _from_json(value: object) -> Submission:
    given = [name for name in _INPUTS if isinstance(value, dict) and name in value]
    if len(given) != 1:
        names = ", ".join(_INPUTS)
        raise Problem(INVALID_REQUEST, f"body: {len(given)} of {names} are given, expected one")
    asked = validate(_INPUTS[given[0]], value)
    return Submission(asked=asked, source=_source_of(asked), upload=None)


def _source_of(asked: PerformanceIn) -> Source:
    if isinstance(asked, OfSpeechUrl):
        return Source(kind="speech_url", url=asked.speech_url)
    if isinstance(asked, OfDriverUrl):
        return Source(kind="driver_url", url=asked.driver_url)
    assert isinstance(asked, OfText)
    spoken = asked.text
    return Source(kind="text", text=spoken.text, voice=spoken.voice, language=spoken.language)


def _from_form(form: Form) -> Submission:
    upload = form.upload
    if upload is None:
        raise Problem(INVALID_REQUEST, "body: there is no file, expected speech or driver")
    fields = {name: parse_json(text) if name in _TYPED_FIELDS else text for name, text in form.fields.items()}
    asked = validate(PerformanceIn, fields)
    found = media_type_of(upload.head)
    if found is None or found not in (SOUND_TYPES if upload.name == "speech" else VIDEO_TYPES):
        expected = "sound or video" if upload.name == "speech" else "a video"
        raise Problem(
            UNSUPPORTED_MEDIA_TYPE, f"body.{upload.name}: {found or 'unknown'}, expected {expected}"
        )
    kind: Final = "speech_file" if upload.name == "speech" else "driver_file"
    source = Source(kind=kind, media_type=found, size_bytes=upload.size_bytes)
    return Submission(asked=asked, source=source, upload=upload)


def _form_schema() -> Json:
    schema = inline(PerformanceIn)
    schema["title"] = "PerformanceForm"
    for name, description in (("speech", "What to say: sound, or a video"), ("driver", "A video to follow")):
        schema["properties"][name] = {**BINARY, "description": description}
    schema["oneOf"] = [{"required": ["speech"]}, {"required": ["driver"]}]
    return schema


def _json_schema() -> Json:
    definitions: Json = {}
    schemas = [inline(model) for model in _INPUTS.values()]
    for schema in schemas:
        definitions.update(schema.pop("$defs", {}))
    return {"oneOf": schemas, "$defs": definitions}


_CHARACTER: Final = "chr_01j8z3k4m5n6p7q8r9s0t1v2w3"
REQUEST: Final[Json] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": _json_schema(),
                "examples": {
                    "text": {"value": {"character_id": _CHARACTER, "text": {"text": "Hello, I am Ada."}}},
                    "speech_url": {
                        "value": {
                            "character_id": _CHARACTER,
                            "speech_url": "https://files.example.com/speech.mp3",
                            "timeline": [{"start_s": 0.0, "end_s": 2.5, "text": "smiles"}],
                        }
                    },
                },
            },
            MULTIPART: {
                "schema": _form_schema(),
                "encoding": {
                    "speech": {"contentType": ", ".join(sorted(SOUND_TYPES))},
                    "driver": {"contentType": ", ".join(sorted(VIDEO_TYPES))},
                    **{name: {"contentType": JSON} for name in sorted(_TYPED_FIELDS)},
                },
            },
        },
    }
}
