"""Every table. A row belongs to a tenant, and refers only to rows of the same one."""

from services.kit.database.tables.accounting import BlobDeletion, UsageDay, UsageNotice, UsageRecord
from services.kit.database.tables.characters import Character, CharacterState, ConsentName, Reference
from services.kit.database.tables.columns import JsonObject, Row
from services.kit.database.tables.outbox import OutboxRow
from services.kit.database.tables.performances import (
    Clip,
    Performance,
    PerformanceState,
    ScriptState,
    SubjectName,
    Verdict,
)
from services.kit.database.tables.requests import IdempotencyKey
from services.kit.database.tables.tenants import ApiKey, Tenant
from services.kit.database.tables.webhooks import (
    DeliveryState,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookEvent,
)

__all__ = [
    "ApiKey",
    "BlobDeletion",
    "Character",
    "CharacterState",
    "Clip",
    "ConsentName",
    "DeliveryState",
    "IdempotencyKey",
    "JsonObject",
    "OutboxRow",
    "Performance",
    "PerformanceState",
    "Reference",
    "Row",
    "ScriptState",
    "SubjectName",
    "Tenant",
    "UsageDay",
    "UsageNotice",
    "UsageRecord",
    "Verdict",
    "WebhookDelivery",
    "WebhookEndpoint",
    "WebhookEvent",
]
