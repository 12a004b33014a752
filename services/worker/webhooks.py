"""Sending webhooks: claim what is due, sign it, post it, and note the answer."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog

from services.kit import egress
from services.kit.clock import Clock
from services.kit.database.database import Database
from services.kit.egress import EgressRefused
from services.kit.errors import Unavailable
from services.kit.retry import retrying
from services.worker.deliveries import Claim, claim_due, note
from services.worker.domain.delivery import Answer, judge, parse_retry_after
from services.worker.metrics import Metrics
from services.worker.settings import WebhookSettings
from services.worker.signing import sign

__all__ = ["Sender", "Webhooks", "body_of", "open_webhooks"]

_log = structlog.get_logger(__name__)

_SNIPPET_BYTES: Final = 1024


class Sender(Protocol):
    """Posts to addresses that users chose; `services.kit.egress.Egress` is one."""

    async def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        timeout_s: float,
        max_answer_bytes: int,
    ) -> egress.Answer: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What sending webhooks takes. `jitter` gives numbers uniform in [0, 1)."""

    database: Database
    sender: Sender
    clock: Clock
    jitter: Callable[[], float]
    metrics: Metrics
    settings: WebhookSettings


@asynccontextmanager
async def open_webhooks(tools: Tools) -> AsyncIterator[Webhooks]:
    """Sending, until the context ends; then attempts under way have the time that a receiver has."""
    async with asyncio.TaskGroup() as tasks:
        webhooks = Webhooks(tools, tasks)
        try:
            yield webhooks
        finally:
            await webhooks.finish()


class Webhooks:
    """The deliveries under way in this process."""

    def __init__(self, tools: Tools, tasks: asyncio.TaskGroup) -> None:
        self._tools = tools
        self._tasks = tasks
        self._under_way: set[asyncio.Task[None]] = set()
        self._busy: Counter[str] = Counter()
        # One look at a time: two at once would both fill the same free places.
        self._looking = asyncio.Lock()

    async def send_due(self) -> None:
        """Begin to send what is due, as far as there is room; it is sent beside, not waited for."""
        settings = self._tools.settings
        async with self._looking:
            room = settings.max_in_flight - self._busy.total()
            if room <= 0:
                return
            claims = await claim_due(
                self._tools.database,
                self._tools.clock.now(),
                timedelta(seconds=settings.lease_s),
                limit=room,
                per_endpoint=settings.max_in_flight_per_endpoint,
                busy=self._busy,
            )
            for claim in claims:
                self._busy[claim.endpoint_id] += 1
                task = self._tasks.create_task(self._deliver(claim))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)

    async def finish(self) -> None:
        """Wait for the attempts under way, as long as a receiver may take."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._tools.settings.timeout_s)

    async def _deliver(self, claim: Claim) -> None:
        try:
            answer = await self._post(claim)
            await self._note(claim, answer)
        finally:
            self._busy[claim.endpoint_id] -= 1

    async def _post(self, claim: Claim) -> Answer:
        now = self._tools.clock.now()
        body = body_of(claim)
        headers = {"content-type": "application/json", **sign(claim.secrets, claim.event_id, now, body)}
        try:
            answer = await self._tools.sender.post(
                claim.url,
                body.encode(),
                headers,
                timeout_s=self._tools.settings.timeout_s,
                max_answer_bytes=_SNIPPET_BYTES,
            )
        except (EgressRefused, Unavailable) as error:
            return Answer(status=None, error=str(error))
        return _read(answer, now)

    async def _note(self, claim: Claim, answer: Answer) -> None:
        now = self._tools.clock.now()
        verdict = judge(answer, claim.attempt, now, self._tools.jitter())
        self._tools.metrics.count_attempt(verdict.outcome.value, claim.tenant)
        _log.info(
            "webhook.attempted",
            tenant=claim.tenant,
            delivery_id=claim.delivery_id,
            attempt=claim.attempt,
            status=answer.status,
            outcome=verdict.outcome.value,
            error=answer.error,
        )

        async def write() -> None:
            async with self._tools.database.begin() as session:
                await note(session, claim, answer, verdict, now)

        # When the database is away for longer, the lease ends and the webhook is sent once more.
        try:
            async with asyncio.timeout(self._tools.settings.lease_s / 2):
                await retrying(write)
        except TimeoutError:
            _log.warning("webhook.not_noted", delivery_id=claim.delivery_id)


def body_of(claim: Claim) -> str:
    """The same bytes at every attempt."""
    content = {
        "type": claim.event_type,
        "timestamp": _in_utc(claim.occurred_at),
        "data": claim.data,
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _in_utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read(answer: egress.Answer, now: datetime) -> Answer:
    # NUL is the one character that PostgreSQL does not keep.
    snippet = answer.body.decode("utf-8", "replace").replace("\0", "\ufffd")
    retry_after = parse_retry_after(answer.headers.get("retry-after", ""), now)
    error = ""
    if 300 <= answer.status < 400:
        error = f"the endpoint answered {answer.status}, and redirects are not followed"
    elif not 200 <= answer.status < 300:
        error = f"the endpoint answered {answer.status}, expected 2xx"
    return Answer(status=answer.status, retry_after=retry_after, snippet=snippet, error=error)
