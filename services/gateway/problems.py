"""What the API says when it does not do what was asked (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "AUTHENTICATED",
    "CHARACTER_IN_USE",
    "CHARACTER_UNUSABLE",
    "CONCURRENCY_LIMIT",
    "CONFLICT",
    "IDEMPOTENCY_IN_FLIGHT",
    "IDEMPOTENCY_KEY_REUSED",
    "INTERNAL_ERROR",
    "INVALID_REQUEST",
    "KINDS",
    "MALFORMED_REQUEST",
    "MEDIA_TYPE",
    "METHOD_NOT_ALLOWED",
    "MISSING_SCOPE",
    "NOT_FOUND",
    "PAYLOAD_TOO_LARGE",
    "PRECONDITION_FAILED",
    "QUOTA_EXCEEDED",
    "RANGE_NOT_SATISFIABLE",
    "RATE_LIMITED",
    "REQUEST_TIMEOUT",
    "UNAUTHORIZED",
    "UNAVAILABLE",
    "UNSUPPORTED_MEDIA_TYPE",
    "FieldError",
    "Problem",
    "ProblemBody",
    "ProblemKind",
]

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemKind:
    """A kind of refusal; clients may rely on its code."""

    code: str
    status: int
    title: str

    @property
    def type_uri(self) -> str:
        """The name of the kind as a URI."""
        return f"urn:dramatis:problem:{self.code}"


def _kind(code: str, status: int, title: str) -> ProblemKind:
    return ProblemKind(code=code, status=status, title=title)


MALFORMED_REQUEST: Final = _kind("malformed_request", 400, "The request cannot be read")
UNAUTHORIZED: Final = _kind("unauthorized", 401, "A valid API key is required")
QUOTA_EXCEEDED: Final = _kind("quota_exceeded", 402, "A quota is used up")
MISSING_SCOPE: Final = _kind("missing_scope", 403, "The API key lacks a scope")
NOT_FOUND: Final = _kind("not_found", 404, "There is no such thing")
METHOD_NOT_ALLOWED: Final = _kind("method_not_allowed", 405, "The method is not allowed here")
REQUEST_TIMEOUT: Final = _kind("request_timeout", 408, "The request's body came too slowly")
CONFLICT: Final = _kind("conflict", 409, "The state does not allow this")
CHARACTER_IN_USE: Final = _kind("character_in_use", 409, "Performances of the character are not done")
CHARACTER_UNUSABLE: Final = _kind("character_unusable", 409, "The character was rejected or has failed")
IDEMPOTENCY_IN_FLIGHT: Final = _kind("idempotency_in_flight", 409, "The first request is being answered")
PRECONDITION_FAILED: Final = _kind("precondition_failed", 412, "The resource has changed")
PAYLOAD_TOO_LARGE: Final = _kind("payload_too_large", 413, "The body is too large")
UNSUPPORTED_MEDIA_TYPE: Final = _kind("unsupported_media_type", 415, "The media type is not supported")
RANGE_NOT_SATISFIABLE: Final = _kind("range_not_satisfiable", 416, "The range lies outside of the file")
INVALID_REQUEST: Final = _kind("invalid_request", 422, "The request is not valid")
IDEMPOTENCY_KEY_REUSED: Final = _kind("idempotency_key_reused", 422, "The key came with another request")
RATE_LIMITED: Final = _kind("rate_limited", 429, "Too many requests")
CONCURRENCY_LIMIT: Final = _kind("concurrency_limit", 429, "Too much at the same time")
INTERNAL_ERROR: Final = _kind("internal_error", 500, "The platform failed")
UNAVAILABLE: Final = _kind("unavailable", 503, "The platform cannot answer at the moment")

KINDS: Final = (
    MALFORMED_REQUEST,
    UNAUTHORIZED,
    QUOTA_EXCEEDED,
    MISSING_SCOPE,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    REQUEST_TIMEOUT,
    CONFLICT,
    CHARACTER_IN_USE,
    CHARACTER_UNUSABLE,
    IDEMPOTENCY_IN_FLIGHT,
    PRECONDITION_FAILED,
    PAYLOAD_TOO_LARGE,
    UNSUPPORTED_MEDIA_TYPE,
    RANGE_NOT_SATISFIABLE,
    INVALID_REQUEST,
    IDEMPOTENCY_KEY_REUSED,
    RATE_LIMITED,
    CONCURRENCY_LIMIT,
    INTERNAL_ERROR,
    UNAVAILABLE,
)
# Whoever sends a key may meet these on any path.
AUTHENTICATED: Final = (UNAUTHORIZED, MISSING_SCOPE, RATE_LIMITED, UNAVAILABLE)


class FieldError(BaseModel):
    """One thing that is wrong with a request."""

    model_config = ConfigDict(extra="forbid")

    location: str = Field(description="Where it is: `body.size`, `query.limit`", examples=["body.size"])
    message: str = Field(examples=["Input should be greater than or equal to 64"])


class ProblemBody(BaseModel):
    """Why the request was refused. Rely on `code`; the texts are for people."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(description="The kind of problem as a URI", examples=["urn:dramatis:problem:not_found"])
    title: str = Field(examples=["There is no such thing"])
    status: int = Field(examples=[404])
    code: str = Field(description="Stable name of the kind", examples=["not_found"])
    detail: str = Field(examples=["no character chr_01j8z3k4m5n6p7q8r9s0t1v2w3"])
    request_id: str = Field(description="Equals the header Request-Id", examples=["req_01j8z3k4m5n6p7q8"])
    errors: list[FieldError] = Field(default_factory=list, description="What exactly is not valid")


class Problem(Exception):
    """Ends a request with a refusal. `detail` is for the client: no inner names, nobody else's data."""

    def __init__(
        self,
        kind: ProblemKind,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        errors: Sequence[FieldError] = (),
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = list(errors)

    def body(self, request_id: str) -> ProblemBody:
        """What goes to the client."""
        return ProblemBody(
            type=self.kind.type_uri,
            title=self.kind.title,
            status=self.kind.status,
            code=self.kind.code,
            detail=self.detail,
            request_id=request_id,
            errors=self.errors,
        )
