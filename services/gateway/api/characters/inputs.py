"""Reading the forms that bring a picture."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from services.gateway.api.bodies import JSON, media_type, parse_json, validate
from services.gateway.api.forms import MULTIPART, Upload, read_form
from services.gateway.api.media_types import PICTURE_TYPES, media_type_of
from services.gateway.api.openapi import Json, inline
from services.gateway.api.stores import File
from services.gateway.problems import INVALID_REQUEST, UNSUPPORTED_MEDIA_TYPE, Problem

__all__ = ["Picture", "picture_request", "read_picture"]

ModelT = TypeVar("ModelT", bound=BaseModel)

_TYPED_FIELDS: Final = frozenset({"consent", "face"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture(Generic[ModelT]):
    """A picture as it was sent, its media type, and what came beside it."""

    upload: Upload
    media_type: str
    asked: ModelT

    def stored_at(self, key: str) -> File:
        """The picture as it is to be stored."""
        return File(key=key, upload=self.upload, media_type=self.media_type)


@asynccontextmanager
async def read_picture(request: Request, name: str, model: type[ModelT]) -> AsyncIterator[Picture[ModelT]]:
    """Read a form whose file is called `name`; it lies on disk while the context lasts."""
    if media_type(request) != MULTIPART:
        raise Problem(UNSUPPORTED_MEDIA_TYPE, f"the body is {media_type(request)!r}, expected {MULTIPART}")
    limit_bytes = request.app.state.gateway.settings.bodies.portrait_bytes
    async with read_form(request, {name: limit_bytes}) as form:
        upload = form.uploads.get(name)
        if upload is None:
            raise Problem(INVALID_REQUEST, f"body.{name}: the file is missing")
        asked = validate(model, _values(form.fields))
        found = media_type_of(upload.head)
        if found not in PICTURE_TYPES:
            expected = ", ".join(sorted(PICTURE_TYPES))
            raise Problem(UNSUPPORTED_MEDIA_TYPE, f"body.{name}: {found or 'unknown'}, expected {expected}")
        yield Picture(upload=upload, media_type=found, asked=asked)


def _values(fields: Mapping[str, str]) -> dict[str, Any]:
    return {name: parse_json(text) if name in _TYPED_FIELDS else text for name, text in fields.items()}


def picture_request(model: type[BaseModel], name: str) -> Json:
    """The `openapi_extra` of a route that reads a form with `read_picture`."""
    schema = inline(model)
    schema["title"] = f"{model.__name__.removesuffix('In')}Form"
    schema["properties"][name] = {
        "type": "string",
        "format": "binary",
        "description": "A JPEG, PNG or WebP file",
    }
    schema.setdefault("required", []).append(name)
    encoding: Json = {name: {"contentType": ", ".join(sorted(PICTURE_TYPES))}}
    for field in sorted(_TYPED_FIELDS & set(model.model_fields)):
        encoding[field] = {"contentType": JSON}
    return {
        "requestBody": {
            "required": True,
            "content": {MULTIPART: {"schema": schema, "encoding": encoding}},
        }
    }
