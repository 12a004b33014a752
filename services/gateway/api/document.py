"""Prints the OpenAPI document of the API: `python -m services.gateway.api.document`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from services.gateway.api.app import create_app
from services.gateway.settings import Settings
from services.kit.clock import SystemClock
from services.kit.database.database import open_database
from services.kit.folder_blobs import FolderBlobs

__all__ = ["document"]


async def document() -> dict[str, Any]:
    """The document of an API with the settings it has by itself; no store is touched."""
    async with open_database("sqlite+aiosqlite:///:memory:") as database:
        app = create_app(
            Settings(),
            database=database,
            blobs=FolderBlobs(Path()),
            clock=SystemClock(),
            registry=CollectorRegistry(),
            is_ready=lambda: True,
        )
        return app.openapi()


if __name__ == "__main__":
    json.dump(asyncio.run(document()), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
