"""Webhook endpoints and deliveries as clients send and see them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, get_args

from fastapi import Path
from pydantic import BaseModel, Field

from services.gateway.api.values import HTTP_URL, Submitted
from services.kit.database.events import EVENT_TYPES

__all__ = [
    "Delivery",
    "DeliveryId",
    "DeliveryState",
    "Endpoint",
    "EndpointId",
    "EndpointIn",
    "EndpointPatch",
    "EventType",
    "NewEndpoint",
]

EventType = Literal[
    "character.failed",
    "character.ready",
    "character.rejected",
    "performance.cancelled",
    "performance.failed",
    "performance.processing",
    "performance.rejected",
    "performance.succeeded",
    "usage.threshold",
]
# A literal cannot be made of a constant.
assert get_args(EventType) == EVENT_TYPES

DeliveryState = Literal["pending", "delivered", "exhausted", "cancelled"]

EndpointId = Annotated[str, Path(pattern=r"^whe_[0-9a-z]{26}$", examples=["whe_01j8z3k4m5n6p7q8r9s0t1v2w3"])]
DeliveryId = Annotated[str, Path(pattern=r"^whd_[0-9a-z]{26}$", examples=["whd_01j8z3k4m5n6p7q8r9s0t1v2w3"])]

_URL = "https://hooks.example.com/dramatis"
Url = Annotated[
    str,
    Field(
        max_length=2000,
        pattern=HTTP_URL,
        json_schema_extra={"format": "uri"},
        description="Where events are posted to. Addresses that are not public get none",
        examples=[_URL],
    ),
]
Description = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$", examples=["Production"])]
EventTypes = Annotated[
    list[EventType],
    Field(max_length=32, description="Which events; none: all", examples=[["performance.succeeded"]]),
]
_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class EndpointIn(Submitted):
    """Where events are to be sent."""

    url: Url
    description: Description = ""
    event_types: EventTypes = Field(default_factory=list)


class EndpointPatch(Submitted):
    """What is to change; the rest stays."""

    url: Url | None = None
    description: Description | None = None
    event_types: EventTypes | None = None
    is_enabled: bool | None = Field(
        default=None, description="false gives up what is still to be delivered; true begins with what is new"
    )


class Endpoint(BaseModel):
    """An address that gets events."""

    id: str = Field(examples=["whe_01j8z3k4m5n6p7q8r9s0t1v2w3"])
    url: str = Field(examples=[_URL])
    description: str
    event_types: list[EventType] = Field(description="Which events; none: all")
    is_enabled: bool
    disabled_reason: str | None = Field(
        description="`owner` for a request, `gone` for an answer 410", examples=[None]
    )
    previous_secret_expires_at: datetime | None = Field(
        description="Until then the secret before the latest rotation signs as well"
    )
    created_at: datetime
    updated_at: datetime


class NewEndpoint(Endpoint):
    """An endpoint with its secret, which is not shown again."""

    secret: str | None = Field(
        description="Verifies what is sent; null when the answer is replayed", examples=[_SECRET]
    )


class Delivery(BaseModel):
    """The sending of one event to one endpoint, with the latest answer."""

    id: str = Field(examples=["whd_01j8z3k4m5n6p7q8r9s0t1v2w3"])
    webhook_endpoint_id: str = Field(examples=["whe_01j8z3k4m5n6p7q8r9s0t1v2w3"])
    event_id: str = Field(
        description="The `webhook-id` of every attempt, and of redeliveries",
        examples=["evt_01j8z3k4m5n6p7q8r9s0t1v2w3"],
    )
    event_type: str = Field(examples=["performance.succeeded"])
    data: dict[str, Any] = Field(examples=[{"id": "per_01j8z3k4m5n6p7q8r9s0t1v2w3", "state": "succeeded"}])
    state: DeliveryState = Field(
        description="`exhausted`: every attempt failed; `cancelled`: the endpoint was disabled"
    )
    attempts: int = Field(examples=[1])
    next_attempt_at: datetime | None
    last_attempt_at: datetime | None
    response_status: int | None = Field(examples=[200])
    response_snippet: str | None = Field(description="How the body of the latest answer begins")
    error: str | None = Field(description="Why the latest attempt failed")
    created_at: datetime
    finished_at: datetime | None
