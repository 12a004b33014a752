"""The services as processes of their own, on a real broker, database, object store and Redis, disturbed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from services.kit.topics import CLIPS, TOPICS
from tests.bench.chaos.kills import kill_again_and_again
from tests.bench.chaos.outages import cut_off
from tests.bench.chaos.poison import Letters, num_expected, poison_all, real_messages, redrive
from tests.bench.load.swarm import put_load
from tests.servers.company import Play, rehearse
from tests.servers.processes import scratch
from tests.servers.s3 import S3Server
from tests.servers.stage import PORTRAIT, Stage, open_stage_on

_NUM_POISON = 30
_OUTAGE_S = 6.0
_NUM_CLIENTS = 20
_LOAD_SECONDS = 8


@pytest.fixture(scope="module")
def stage(s3_server: S3Server) -> Iterator[Stage]:
    with scratch() as folder, open_stage_on(folder, s3_server) as found:
        yield found


@pytest.fixture(scope="module")
def plays(stage: Stage) -> list[Play]:
    """Two performances, and what they look like undisturbed."""
    character_id = stage.client.create_character(PORTRAIT)
    assert stage.client.wait_for_character(character_id)["state"] == "ready"
    return rehearse(stage, character_id, num_plays=2, size=256)


def test_many_clients_are_answered_without_an_error(stage: Stage, plays: list[Play]) -> None:
    stats = put_load(stage, plays[0].character_id, _NUM_CLIENTS, _LOAD_SECONDS)
    assert (sum(entry["num_failures"] for entry in stats), len(stats)) == (0, 4)


def test_killing_generation_changes_no_picture_and_loses_no_clip(stage: Stage, plays: list[Play]) -> None:
    outcome = kill_again_and_again(stage, plays, "generation", 1)
    assert (outcome.faults, outcome.num_performed >= len(plays)) == ([], True)


@pytest.mark.parametrize("wire", ["broker", "database", "objects"])
def test_work_goes_on_by_itself_after_an_outage(stage: Stage, plays: list[Play], wire: str) -> None:
    outcome, _recovery_s = cut_off(stage, plays, wire, _OUTAGE_S)
    assert (outcome.faults, outcome.num_performed >= len(plays)) == ([], True)


@pytest.fixture(scope="module")
def starts(stage: Stage, plays: list[Play]) -> Mapping[str, int]:
    """How many processes each service had had before it was poisoned."""
    stage.cluster.wait_ready()
    return {service: stage.cluster.num_starts(service) for service in stage.cluster.services}


@pytest.fixture(scope="module")
def letters(stage: Stage, plays: list[Play], starts: Mapping[str, int]) -> Mapping[str, Letters]:
    """The dead letters of poison on every topic."""
    return poison_all(stage, real_messages(stage), _NUM_POISON)


def test_every_poisoned_record_is_set_aside_with_a_reason(letters: Mapping[str, Letters]) -> None:
    reasons = {
        topic: sum(bool(headers["dead-reason"]) for headers in found.values())
        for topic, found in letters.items()
    }
    assert reasons == {topic.name: num_expected(topic.name, _NUM_POISON) for topic in TOPICS}


def test_no_service_ends_because_of_poison(
    stage: Stage, letters: Mapping[str, Letters], starts: Mapping[str, int]
) -> None:
    stage.cluster.wait_ready()
    assert {service: stage.cluster.num_starts(service) for service in stage.cluster.services} == starts


def test_dead_letters_can_be_sent_back(stage: Stage, letters: Mapping[str, Letters]) -> None:
    assert len(redrive(stage, CLIPS, _NUM_POISON)) == _NUM_POISON
