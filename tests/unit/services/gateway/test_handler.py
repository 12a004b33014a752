"""Results may come twice, or from an attempt that is over: they change nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from services.gateway.handler import routes
from services.kit import messages as m
from services.kit.consumer import Receipt
from services.kit.database.releases import begin_again
from services.kit.database.tables import Clip, Performance, PerformanceState, UsageRecord, Verdict
from services.kit.errors import Stale
from services.kit.topics import CLIPS, STATUSES, VERDICTS, Topic
from tests.api.pipeline import running_pipeline
from tests.api.platform import Platform
from tests.unit.services.gateway.test_life import create_character, perform, started_endless, until

pytestmark = pytest.mark.anyio


async def take(platform: Platform, topic: Topic[Any], message: object) -> None:
    by_topic = {
        route.topic.name: route
        for route in routes(platform.database, platform.clock, platform.settings.admission)
    }
    await by_topic[topic.name].handle(message, Receipt(0, lambda: None))


async def running(platform: Platform, client: httpx.AsyncClient) -> m.Envelope:
    """The first message of a performance that is being made."""
    async with running_pipeline(platform) as pipeline:
        await started_endless(client, 1)
        await until(lambda: bool(pipeline.started))
    return pipeline.started[0].envelope


def finished(envelope: m.Envelope) -> m.Status:
    return m.Status(
        envelope=envelope,
        stage="stitching",
        kind=m.StatusKind.FINISHED,
        num_frames=50,
        video_uri=f"{envelope.tenant}/performances/{envelope.session_id}/{envelope.epoch}/video.mp4",
        size_bytes=1,
        sha256="0" * 64,
    )


def clip(envelope: m.Envelope) -> m.Clip:
    uri = f"{envelope.tenant}/performances/{envelope.session_id}/{envelope.epoch}/clips/000000"
    return m.Clip(envelope=envelope, clip_uri=uri, first_frame=0, num_frames=50, is_final=True)


async def count(platform: Platform, kind: type[Clip | UsageRecord | Verdict]) -> int:
    async with platform.database.read() as session:
        return await session.scalar(select(func.count()).select_from(kind)) or 0


async def test_an_end_that_is_told_twice_is_counted_once(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    envelope = await running(platform, client)
    await take(platform, STATUSES, finished(envelope))

    with pytest.raises(Stale):
        await take(platform, STATUSES, finished(envelope))

    assert await count(platform, UsageRecord) == 1


async def test_a_clip_that_is_announced_twice_stands_in_the_ledger_once(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    envelope = await running(platform, client)
    await take(platform, CLIPS, clip(envelope))

    with pytest.raises(Stale):
        await take(platform, CLIPS, clip(envelope))

    assert await count(platform, Clip) == 1


async def test_a_clip_that_comes_after_the_end_still_stands_in_the_ledger(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    envelope = await running(platform, client)
    await take(platform, STATUSES, finished(envelope))

    await take(platform, CLIPS, clip(envelope))

    assert await count(platform, Clip) == 1


async def test_an_attempt_that_is_over_changes_nothing(platform: Platform, client: httpx.AsyncClient) -> None:
    envelope = await running(platform, client)
    async with platform.database.begin() as session:
        row = await session.get_one(Performance, envelope.session_id)
        await begin_again(session, row, platform.clock.now())

    for topic, message in ((STATUSES, finished(envelope)), (CLIPS, clip(envelope))):
        with pytest.raises(Stale):
            await take(platform, topic, message)

    async with platform.database.read() as session:
        row = await session.get_one(Performance, envelope.session_id)
    assert (row.state, row.epoch) == (PerformanceState.PROCESSING, 1)
    await take(platform, STATUSES, finished(replace(envelope, epoch=1)))
    assert await count(platform, UsageRecord) == 1


async def test_notices_become_warnings_and_stand_there_once(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    envelope = await running(platform, client)
    shorter = m.Notice(code="listen_shorter", detail="listen lasts 2.00 s")
    unused = m.Notice(code="direction_unused", detail="the direction from 3 s on is never in force")
    measured = m.Status(
        envelope=envelope,
        stage="ingestion",
        kind=m.StatusKind.MEASURED,
        num_frames=50,
        notices=(shorter, unused),
    )
    await take(platform, STATUSES, measured)
    await take(platform, STATUSES, replace(finished(envelope), notices=(unused,)))

    shown = (await client.get(f"/v1/performances/{envelope.session_id}")).json()

    assert [(each["code"], each["detail"]) for each in shown["warnings"]] == [
        (notice.code, notice.detail) for notice in (shorter, unused)
    ]


async def test_what_moderation_notices_is_a_warning_from_the_verdict_on(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    character = await create_character(client)
    created = await perform(client, character, "Hello")
    async with platform.database.read() as session:
        row = await session.get_one(Performance, created["id"])
    notice = m.Notice(code="direction_not_understood", detail="not understood and ignored: wibble")
    verdict = m.Verdict(
        tenant=row.tenant_id,
        subject=m.SubjectKind.PERFORMANCE,
        subject_id=row.id,
        is_approved=True,
        reasons=(),
        policy="test",
        created_at=platform.clock.now(),
        notices=(notice,),
    )
    await take(platform, VERDICTS, verdict)

    shown = (await client.get(f"/v1/performances/{row.id}")).json()

    assert (shown["state"], shown["reasons"]) == ("queued", [])
    assert shown["warnings"] == [{"code": notice.code, "detail": notice.detail}]


async def test_what_was_judged_is_not_judged_again(platform: Platform, client: httpx.AsyncClient) -> None:
    character = await create_character(client)
    tenant = (await running(platform, client)).tenant
    judged = m.Verdict(
        tenant=tenant,
        subject=m.SubjectKind.CHARACTER,
        subject_id=character["id"],
        is_approved=False,
        reasons=(m.Reason(code="no_face", detail="there is none"),),
        policy="test",
        created_at=platform.clock.now(),
    )
    before = await count(platform, Verdict)

    with pytest.raises(Stale):
        await take(platform, VERDICTS, judged)

    assert await count(platform, Verdict) == before
    assert (await client.get(f"/v1/characters/{character['id']}")).json()["state"] == "ready"


async def test_steps_are_progress_and_a_sign_of_life(platform: Platform, client: httpx.AsyncClient) -> None:
    envelope = await running(platform, client)
    path = f"/v1/performances/{envelope.session_id}"
    before = (await client.get(path)).json()
    status = m.Status(
        envelope=envelope,
        stage="generation",
        kind=m.StatusKind.PROGRESSED,
        steps_done=30,
        steps_expected=120,
    )
    await take(platform, STATUSES, status)

    shown = (await client.get(path)).json()

    assert (before["progress"]["steps_done"], before["progress"]["steps_expected"]) == (None, None)
    assert (shown["progress"]["steps_done"], shown["progress"]["steps_expected"]) == (30, 120)
    assert shown["state"] == "processing"
    async with platform.database.read() as session:
        row = await session.get_one(Performance, envelope.session_id)
    assert row.progressed_at == row.updated_at
    assert shown["updated_at"] > before["updated_at"]


async def test_nobody_knows_how_many_steps_are_expected_of_what_waits_for_its_engine(
    platform: Platform, client: httpx.AsyncClient
) -> None:
    envelope = await running(platform, client)
    await take(
        platform, STATUSES, m.Status(envelope=envelope, stage="generation", kind=m.StatusKind.PROGRESSED)
    )

    progress = (await client.get(f"/v1/performances/{envelope.session_id}")).json()["progress"]

    assert (progress["steps_done"], progress["steps_expected"]) == (0, None)


async def test_a_new_attempt_has_made_no_step(platform: Platform, client: httpx.AsyncClient) -> None:
    envelope = await running(platform, client)
    status = m.Status(
        envelope=envelope, stage="generation", kind=m.StatusKind.PROGRESSED, steps_done=7, steps_expected=9
    )
    await take(platform, STATUSES, status)
    lost = replace(status, kind=m.StatusKind.FAILED, code="session_lost", detail="gone")
    await take(platform, STATUSES, lost)

    shown = (await client.get(f"/v1/performances/{envelope.session_id}")).json()

    assert shown["state"] == "processing"
    assert shown["progress"]["steps_done"] is None
