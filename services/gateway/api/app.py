"""The application: every router, behind what all exchanges have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware.cors import CORSMiddleware

from services.gateway.api import answers
from services.gateway.api.call import Gateway
from services.gateway.api.characters import references
from services.gateway.api.characters import routes as characters
from services.gateway.api.exchange import Exchanges
from services.gateway.api.health import health_router, metrics_router
from services.gateway.api.key_ring import KeyRing
from services.gateway.api.keys import routes as keys
from services.gateway.api.openapi import describe
from services.gateway.api.performances import events, motion
from services.gateway.api.performances import routes as performances
from services.gateway.api.rate_limits import RateLimits
from services.gateway.api.streams import Streams
from services.gateway.api.usage import routes as usage
from services.gateway.api.webhooks import deliveries
from services.gateway.api.webhooks import routes as webhooks
from services.gateway.settings import Settings
from services.kit.blobs import Blobs
from services.kit.clock import Clock
from services.kit.database.database import Database
from services.kit.ids import new_id

__all__ = ["create_app"]

_VERSION: Final = "1.0.0"
_ROUTERS: Final = (
    characters.router,
    references.router,
    performances.router,
    events.router,
    motion.router,
    webhooks.router,
    deliveries.router,
    keys.router,
    usage.router,
)
# What pages of other origins may read of an answer.
_EXPOSED: Final = (
    "Content-Range",
    "ETag",
    "Idempotent-Replayed",
    "Location",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Request-Id",
    "Retry-After",
)


def create_app(
    settings: Settings,
    *,
    database: Database,
    blobs: Blobs,
    clock: Clock,
    registry: CollectorRegistry,
    is_ready: Callable[[], bool],
) -> FastAPI:
    """The HTTP API over these stores."""
    app = FastAPI(
        title="Dramatis",
        version=_VERSION,
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.gateway = Gateway(
        settings=settings,
        database=database,
        blobs=blobs,
        clock=clock,
        new_id=lambda prefix: new_id(prefix, clock.now()),
        key_ring=KeyRing(),
        rates=RateLimits(clock),
        streams=Streams(settings.api.events_per_tenant),
    )
    for router in _ROUTERS:
        app.include_router(router)
    app.include_router(health_router(database, is_ready))
    if settings.api.serves_metrics:
        app.include_router(metrics_router(registry))
    answers.install(app)
    _describe_once(app, settings.api.public_url)
    if settings.api.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.api.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=list(_EXPOSED),
        )
    # The last one added is the outermost.
    app.add_middleware(
        Exchanges, clock=clock, new_request_id=lambda: new_id("req", clock.now()), registry=registry
    )
    return app


def _describe_once(app: FastAPI, public_url: str) -> None:
    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = describe(app, public_url)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents
