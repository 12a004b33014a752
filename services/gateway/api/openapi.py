"""What the API's description says beyond the routes: refusals, headers, bodies and the words about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from services.gateway.problems import (
    AUTHENTICATED,
    IDEMPOTENCY_IN_FLIGHT,
    IDEMPOTENCY_KEY_REUSED,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    KINDS,
    MALFORMED_REQUEST,
    MEDIA_TYPE,
    PAYLOAD_TOO_LARGE,
    REQUEST_TIMEOUT,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    ProblemBody,
    ProblemKind,
)

__all__ = [
    "BINARY",
    "BODY_PROBLEMS",
    "KEY_PROBLEMS",
    "NOT_MODIFIED",
    "SUMMARY",
    "TAGS",
    "describe",
    "json_request",
    "refusals",
]

Json = dict[str, Any]

BINARY: Final = {"type": "string", "format": "binary"}
_SCHEMAS: Final = "#/components/schemas/{model}"
SUMMARY: Final = (
    "One portrait and a speech, or a text, become a video of a person who speaks, listens to somebody else's "
    "voice and follows directions.\n\n"
    "Send `Authorization: Bearer <API key>`. A POST may carry an `Idempotency-Key`: the same key with the "
    "same request is answered with the first answer for 24 hours. Lists are read with `limit` and `cursor`. "
    "Refusals are `application/problem+json`; rely on their `code`. Every answer has a `Request-Id`."
)
TAGS: Final = (
    {"name": "characters", "description": "A portrait, prepared once, and who allowed its use."},
    {
        "name": "performances",
        "description": "A character, what it says and hears, and a direction become a video.",
    },
    {"name": "webhooks", "description": "Where events are sent, signed as Standard Webhooks say."},
    {"name": "keys", "description": "API keys, their scopes and their expiry."},
    {"name": "usage", "description": "What was used, and what may be used."},
    {"name": "health", "description": "Whether the API lives and is ready."},
)
# What a request with an Idempotency-Key may meet, and one with a body besides.
KEY_PROBLEMS: Final = (IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_FLIGHT)
BODY_PROBLEMS: Final = (
    MALFORMED_REQUEST,
    REQUEST_TIMEOUT,
    PAYLOAD_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    *KEY_PROBLEMS,
)
NOT_MODIFIED: Final[dict[int | str, Json]] = {304: {"description": "The client has it already"}}


def refusals(*kinds: ProblemKind, is_public: bool = False) -> dict[int | str, Json]:
    """The `responses` of a route that may refuse with these kinds, beside those every route has."""
    everywhere = (UNAVAILABLE,) if is_public else (*AUTHENTICATED, INVALID_REQUEST)
    by_status: dict[int | str, list[ProblemKind]] = {}
    for kind in dict.fromkeys((MALFORMED_REQUEST, *kinds, *everywhere, INTERNAL_ERROR)):
        by_status.setdefault(kind.status, []).append(kind)
    return {status: _refusal(by_status[status]) for status in sorted(by_status, key=str)}


def _refusal(kinds: list[ProblemKind]) -> Json:
    examples = {kind.code: {"$ref": f"#/components/examples/{kind.code}"} for kind in kinds}
    schema = {"$ref": _SCHEMAS.format(model="Problem")}
    content: Json = {MEDIA_TYPE: {"schema": schema, "examples": examples}}
    if MALFORMED_REQUEST in kinds:
        # What is no HTTP is refused by the server, before it is a request.
        content["text/plain"] = {"schema": {"type": "string"}}
    return {
        "description": "; ".join(f"`{kind.code}`: {kind.title}" for kind in kinds),
        "content": content,
    }


def _example(kind: ProblemKind) -> Json:
    body = ProblemBody(
        type=kind.type_uri,
        title=kind.title,
        status=kind.status,
        code=kind.code,
        detail=kind.title,
        request_id="req_01j8z3k4m5n6p7q8r9s0t1v2w3",
    )
    return {"summary": kind.title, "value": body.model_dump()}


def json_request(model: type[BaseModel], *, example: Json, is_required: bool = True) -> Json:
    """The `openapi_extra` of a route that reads its body with `json_body(model)`."""
    content = {"application/json": {"schema": inline(model), "example": example}}
    return {"requestBody": {"required": is_required, "content": content}}


def inline(model: type[BaseModel]) -> Json:
    """The schema of a model with its parts in `$defs`; `describe` moves those where they belong."""
    return model.model_json_schema(ref_template=_SCHEMAS)


def describe(app: FastAPI, public_url: str) -> Json:
    """The OpenAPI document of an application."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=SUMMARY,
        routes=app.routes,
        tags=list(TAGS),
        servers=[{"url": public_url or "/"}],
    )
    schemas: Json = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = ProblemBody.model_json_schema(ref_template=_SCHEMAS)
    shared: Json = {}
    for operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = _without_null(parameter["schema"])
        for content in operation.get("requestBody", {}).get("content", {}).values():
            _hoist(content["schema"], schemas)
        for status, response in operation["responses"].items():
            response.setdefault("headers", {}).update(_headers(operation, status))
        _share_refusals(operation, shared)
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for schema in list(schemas.values()):
        _hoist(schema, schemas)
    components = document["components"]
    components["schemas"] = dict(sorted(schemas.items()))
    components["responses"] = dict(sorted(shared.items()))
    components["headers"] = _HEADERS
    components["examples"] = {kind.code: _example(kind) for kind in KINDS}
    return document


def _operations(document: Json) -> Iterator[Json]:
    for path in document["paths"].values():
        yield from path.values()


def _without_null(schema: Json) -> Json:
    """A parameter is there as a text or it is not there; there is no null in a URL or a header."""
    rest = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(rest) != 1:
        return schema
    return {**{name: value for name, value in schema.items() if name != "anyOf"}, **rest[0]}


def _share_refusals(operation: Json, shared: Json) -> None:
    """Routes refuse in the same few ways; say each once."""
    for status, response in operation["responses"].items():
        refusal = response.get("content", {}).get(MEDIA_TYPE)
        if refusal is not None:
            name = "-".join(refusal["examples"])
            shared[name] = response
            operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


def _hoist(schema: Json, schemas: Json) -> None:
    schemas.update(schema.pop("$defs", {}))


def _headers(operation: Json, status: str) -> Json:
    if status == str(MALFORMED_REQUEST.status):
        return {}
    names = ["Request-Id"]
    if operation.get("security") and status not in {"401", "500", "503"}:
        names += ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"]
    if status in {"429", "503"}:
        names.append("Retry-After")
    if status == "401":
        names.append("WWW-Authenticate")
    if status == "202":
        names.append("Location")
    if "304" in operation["responses"] and status in {"200", "304"}:
        names.append("ETag")
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _header(description: str, kind: str = "string") -> Json:
    return {"description": description, "schema": {"type": kind}, "required": True}


_HEADERS: Final = {
    "ETag": _header("Names this state of it; for If-None-Match and If-Match"),
    "Location": _header("Where it is"),
    "RateLimit-Limit": _header("Requests a minute that the key may make", "integer"),
    "RateLimit-Remaining": _header("Requests it may make at once", "integer"),
    "RateLimit-Reset": _header("Seconds until it may make all of them again", "integer"),
    "Request-Id": _header("Names this exchange; quote it when you ask for help"),
    "Retry-After": _header("Seconds to wait", "integer"),
    "WWW-Authenticate": _header("How to authenticate"),
}
