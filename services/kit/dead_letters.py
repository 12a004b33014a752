"""Messages that cannot be handled: what is kept of them, and how they get back."""

from __future__ import annotations

from typing import Final

from services.kit.bus import Outgoing, Record
from services.kit.errors import DramatisError

__all__ = ["REDRIVES", "RUN", "dead_letter", "num_redrives", "redriven"]

REDRIVES: Final = "dead-redrives"
RUN: Final = "dead-run"
_PREFIX: Final = "dead-"
_MAX_REASON: Final = 500


def dead_letter(record: Record, topic: str, group: str, error: DramatisError) -> Outgoing:
    """The record for a dead-letter topic: as it was, with headers that say why, where and for whom."""
    source = record.source
    headers = {
        **record.headers,
        "dead-error": type(error).__name__.encode(),
        "dead-reason": str(error)[:_MAX_REASON].encode(),
        "dead-group": group.encode(),
        "dead-source": f"{source.topic}/{source.partition}/{record.offset}".encode(),
    }
    return Outgoing(topic=topic, key=record.key, value=record.value, headers=headers)


def redriven(record: Record, topic: str, run: str) -> Outgoing:
    """The dead letter as it was before, for its own topic.

    It counts how often it was sent back, and keeps the name of the run that did so last.
    """
    headers = {name: value for name, value in record.headers.items() if not name.startswith(_PREFIX)}
    headers[REDRIVES] = str(num_redrives(record) + 1).encode()
    headers[RUN] = run.encode()
    return Outgoing(topic=topic, key=record.key, value=record.value, headers=headers)


def num_redrives(record: Record) -> int:
    """How often a record was sent back before."""
    text = record.headers.get(REDRIVES, b"0")
    return int(text) if text.isdigit() else 0
