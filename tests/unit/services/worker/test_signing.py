"""What is signed is judged by the verifier that receivers use."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.worker.signing import sign

OLD = "whsec_" + b64encode(b"o" * 24).decode()
NEW = "whsec_" + b64encode(b"n" * 24).decode()
BODY = json.dumps({"type": "webhook.test", "data": {"name": "Zoë"}})


def now() -> datetime:
    """The verifier reads the machine's clock, so these tests do too."""
    return datetime.now(UTC)


def test_a_receiver_accepts_what_was_signed() -> None:
    assert Webhook(NEW).verify(BODY, sign([NEW], "evt_1", now(), BODY)) == json.loads(BODY)


def test_while_a_secret_is_rotated_receivers_with_either_accept() -> None:
    headers = sign([NEW, OLD], "evt_1", now(), BODY)
    assert Webhook(OLD).verify(BODY, headers) == Webhook(NEW).verify(BODY, headers)


@pytest.mark.parametrize("change", ["body", "id", "time", "secret"])
def test_a_receiver_refuses_what_was_changed(change: str) -> None:
    headers = sign([OLD if change == "secret" else NEW], "evt_1", now(), BODY)
    if change == "id":
        headers["webhook-id"] = "evt_2"
    if change == "time":
        headers["webhook-timestamp"] = str(int(headers["webhook-timestamp"]) + 1)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY + " " if change == "body" else BODY, headers)


def test_a_receiver_refuses_an_old_webhook() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(BODY, sign([NEW], "evt_1", now() - timedelta(minutes=6), BODY))
