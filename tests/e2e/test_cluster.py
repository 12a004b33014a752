"""The services as processes of their own, on a real broker, database, object store and Redis, disturbed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from services.kit.topics import CLIPS, TOPICS
from tests.bench.chaos.kills import kill_again_and_again
from tests.bench.chaos.outages import cut_off
from tests.bench.chaos.poison import Letters, num_expected, poison_all, real_messages, redrive
from tests.bench.load.swarm import put_load
from tests.servers.company import Play, ledger_fault, rehearse
from tests.servers.metrics import counted
from tests.servers.processes import scratch, wait_until
from tests.servers.s3 import S3Server
from tests.servers.stage import PORTRAIT, SPEECH, Stage, open_stage_on
from tests.unit.services.generation.fantasytalking.folders import config, make_folders

_NUM_POISON = 30
_OUTAGE_S = 6.0
_NUM_CLIENTS = 20
_LOAD_SECONDS = 8
_FILM_TIMEOUT_S = 300.0


@pytest.fixture(scope="module")
def stage(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    networks = make_folders(tmp_path_factory.mktemp("networks"))
    more = {
        "GENERATION_WEIGHTS__FANTASYTALKING": str(networks.network),
        "GENERATION_FANTASYTALKING__WAN": str(networks.wan),
        "GENERATION_FANTASYTALKING__WAV2VEC2": str(networks.speech),
    }
    with scratch() as folder, open_stage_on(folder, s3_server, more=more) as found:
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


def test_another_process_goes_on_with_a_film_behind_its_last_finished_span(
    stage: Stage, plays: list[Play]
) -> None:
    def begin() -> str:
        fields = {"size": 64, "engine": "fantasytalking"}
        return stage.client.create_performance(plays[0].character_id, SPEECH, **fields)

    def is_span_done(film: str) -> bool:
        return (stage.client.progress(film)["steps_done"] or 0) > config().sampler.steps

    undisturbed = stage.client.video(begin())
    facts, progress = undisturbed.performance["video"], undisturbed.performance["progress"]
    film = begin()
    wait_until(lambda: is_span_done(film), _FILM_TIMEOUT_S, "the first span")
    stage.cluster.kill("generation")
    assert stage.client.video(film).content == undisturbed.content
    steps = counted(stage.cluster.metrics("generation"), "dramatis_generation_steps_total")
    assert 0 < steps <= progress["steps_expected"] - config().sampler.steps
    wait_until(lambda: not ledger_fault(stage.clips(film), facts["num_frames"]), _FILM_TIMEOUT_S, "all clips")
    assert {clip.epoch for clip in stage.clips(film)} == {0}


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
