"""Whether the API lives and is ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Literal

from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from sqlalchemy import text
from starlette.responses import Response

from services.gateway.api.openapi import refusals
from services.gateway.problems import UNAVAILABLE, Problem
from services.kit.database.database import Database
from services.kit.errors import Unavailable

__all__ = ["health_router", "metrics_router"]

_TIMEOUT_S: Final = 3.0


class Health(BaseModel):
    """How the API is."""

    status: Literal["alive", "ready"]


def health_router(database: Database, is_ready: Callable[[], bool]) -> APIRouter:
    """`/healthz` and `/readyz`."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", response_model=Health, responses=refusals(is_public=True))
    async def healthz() -> Response:
        """The process lives."""
        return _answer(Health(status="alive"))

    @router.get("/readyz", response_model=Health, responses=refusals(is_public=True))
    async def readyz() -> Response:
        """The process takes requests, and its database answers."""
        if not is_ready():
            raise Problem(UNAVAILABLE, "the process is starting or ending", headers={"Retry-After": "1"})
        try:
            async with asyncio.timeout(_TIMEOUT_S), database.read() as session:
                await session.execute(text("SELECT 1"))
        except TimeoutError as error:
            raise Unavailable("the database does not answer in time") from error
        return _answer(Health(status="ready"))

    return router


def metrics_router(registry: CollectorRegistry) -> APIRouter:
    """`/metrics`, for where no health port can be reached; it names tenants, so keep it inside."""
    router = APIRouter()

    @router.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        """The metrics of this process."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return router


def _answer(health: Health) -> Response:
    return Response(health.model_dump_json(), media_type="application/json")
