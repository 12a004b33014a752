"""What one of many clients does, as locust runs it: mostly polling, some listing, some uploading."""

from __future__ import annotations

import json
import os
from itertools import count
from pathlib import Path
from typing import Final
from uuid import uuid4

from locust import HttpUser, between, task

_PORTRAIT: Final = Path(os.environ["LOAD_PORTRAIT"]).read_bytes()
_IDS: Final = os.environ["LOAD_PERFORMANCES"].split(",")
_KEY: Final = os.environ["LOAD_KEY"]
_CONSENT: Final = json.dumps(
    {"kind": "synthetic", "granted_by": "Test", "granted_at": "2026-01-31T12:00:00Z"}
)


class Client(HttpUser):
    """Someone with a dashboard open, who now and then uploads a reference."""

    wait_time = between(0.5, 1.5)
    num_clients = count()

    def on_start(self) -> None:
        """Take one of the performances, and one thing to begin with: the shortest run has seen all."""
        number = next(self.num_clients)
        self.client.headers["Authorization"] = f"Bearer {_KEY}"
        self._own = _IDS[number % len(_IDS)]
        beginnings = (self.poll, self.list_performances, self.list_characters, self.upload)
        beginnings[number % len(beginnings)]()

    @task(8)
    def poll(self) -> None:
        """Look how far a performance is."""
        self.client.get(f"/v1/performances/{self._own}", name="read performance")

    @task(3)
    def list_performances(self) -> None:
        """List the newest performances."""
        self.client.get("/v1/performances?limit=20", name="read performances")

    @task(2)
    def list_characters(self) -> None:
        """List the newest characters."""
        self.client.get("/v1/characters?limit=20", name="read characters")

    @task(1)
    def upload(self) -> None:
        """Add a reference to a character."""
        self.client.post(
            f"/v1/characters/{os.environ['LOAD_CHARACTER']}/references",
            data={"kind": "expression"},
            files={"picture": ("portrait.jpg", _PORTRAIT, "image/jpeg")},
            headers={"Idempotency-Key": str(uuid4())},
            name="upload reference",
        )
