"""Signatures of webhooks, as Standard Webhooks has them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from math import floor

from standardwebhooks.webhooks import Webhook

__all__ = ["sign"]


def sign(secrets: Sequence[str], message_id: str, now: datetime, body: str) -> dict[str, str]:
    """The headers of a webhook that a holder of any of the secrets (whsec_...) accepts; `now` is in UTC."""
    signatures = [Webhook(secret).sign(message_id, now, body) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(floor(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
