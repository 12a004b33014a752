"""From errors to answers: every refusal is a problem document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import structlog
from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route

from services.gateway.api.bodies import field_errors
from services.gateway.api.exchange import request_id_of
from services.gateway.problems import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    MALFORMED_REQUEST,
    MEDIA_TYPE,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    UNAVAILABLE,
    Problem,
)
from services.kit.errors import Retryable

__all__ = ["install"]

_LOG: Final = structlog.get_logger()
_RETRY_AFTER_S: Final = "5"


def install(app: FastAPI) -> None:
    """Let an application answer every error with a problem document."""

    # Starlette types handlers by the widest error; each of these gets the one it is installed for.
    async def on_problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return refuse(request, error)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        faults = field_errors(list(error.errors()), "")
        faults = [fault.model_copy(update={"location": fault.location.lstrip(".")}) for fault in faults]
        detail = f"{faults[0].location}: {faults[0].message}"
        return refuse(request, Problem(INVALID_REQUEST, detail, errors=faults))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return refuse(request, _problem_of(app, request, error))

    async def on_retryable(request: Request, error: Exception) -> Response:
        _LOG.warning("request.unavailable", request_id=request_id_of(request.scope), reason=str(error))
        headers = {"Retry-After": _RETRY_AFTER_S}
        return refuse(request, Problem(UNAVAILABLE, "a store does not answer; try again", headers=headers))

    async def on_disconnect(_request: Request, _error: Exception) -> Response:
        return Response(status_code=MALFORMED_REQUEST.status)

    async def on_bug(request: Request, _error: Exception) -> Response:
        answer = refuse(request, Problem(INTERNAL_ERROR, "this is our fault; quote the Request-Id"))
        # This answer is given outside of the middleware that names every other one.
        answer.headers["Request-Id"] = request_id_of(request.scope)
        return answer

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)
    app.add_exception_handler(Retryable, on_retryable)
    app.add_exception_handler(ClientDisconnect, on_disconnect)
    app.add_exception_handler(Exception, on_bug)


def refuse(request: Request, problem: Problem) -> Response:
    """The answer that carries a problem."""
    body = problem.body(request_id_of(request.scope))
    return Response(
        body.model_dump_json().encode(),
        status_code=problem.kind.status,
        media_type=MEDIA_TYPE,
        headers=problem.headers,
    )


def _problem_of(app: FastAPI, request: Request, error: HTTPException) -> Problem:
    if error.status_code == METHOD_NOT_ALLOWED.status:
        allowed = ", ".join(sorted(_methods(app, request)))
        detail = f"{request.method} is not allowed here, {allowed} is"
        return Problem(METHOD_NOT_ALLOWED, detail, headers={"Allow": allowed})
    if error.status_code == NOT_FOUND.status:
        return Problem(NOT_FOUND, "there is nothing at this path")
    return Problem(MALFORMED_REQUEST, str(error.detail))


def _methods(app: FastAPI, request: Request) -> set[str]:
    """Every method of the path, whichever route has it."""
    return {
        method
        for route in _flat(app.routes)
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }


def _flat(routes: Sequence[BaseRoute]) -> Iterator[BaseRoute]:
    """The routes, those of included routers too: FastAPI keeps them inside of one entry each."""
    for route in routes:
        router = getattr(route, "original_router", None)
        if isinstance(router, APIRouter):
            yield from _flat(router.routes)
        else:
            yield route
