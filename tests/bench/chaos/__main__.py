"""Disturbs a cluster and reports what became of its work: `python -m tests.bench.chaos [kills|...]`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from services.kit.topics import TOPICS
from tests.bench.chaos.kills import kill_again_and_again
from tests.bench.chaos.outages import cut_off
from tests.bench.chaos.poison import Letters, num_expected, poison_all, real_messages, redrive
from tests.bench.chaos.telling import tell
from tests.bench.figures import report
from tests.servers.company import Play, performing, rehearse
from tests.servers.processes import scratch
from tests.servers.stage import PORTRAIT, Stage, open_stage

_DISTURBANCES = ("outages", "poison", "kills")


def main() -> int:
    """Run the named disturbances, or all; prints JSON lines."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.chaos")
    parser.add_argument("disturbances", nargs="*", metavar="|".join(_DISTURBANCES), default=_DISTURBANCES)
    parser.add_argument("--kills", type=int, default=10, help="of each service")
    parser.add_argument("--service", action="append", help="whom to kill; default all, may be repeated")
    parser.add_argument("--outage", type=float, default=20.0, metavar="SECONDS", help="of each server")
    parser.add_argument("--messages", type=int, default=1000, help="poison for each topic")
    asked = parser.parse_args()
    with scratch() as folder, open_stage(folder) as stage:
        character_id = stage.client.create_character(PORTRAIT)
        assert stage.client.wait_for_character(character_id)["state"] == "ready"
        begin_s = time.perf_counter()
        plays = rehearse(stage, character_id)
        wall_s = time.perf_counter() - begin_s
        report("chaos", "undisturbed", "wall", wall_s, "s", performances=len(plays))
        if "outages" in asked.disturbances:
            _outages(stage, plays, asked.outage)
        if "poison" in asked.disturbances:
            _poison(stage, plays, asked.messages)
        if "kills" in asked.disturbances:
            _kills(stage, plays, asked.service or stage.cluster.services, asked.kills)
    return 0


def _kills(stage: Stage, plays: list[Play], services: tuple[str, ...], num_kills: int) -> None:
    for service in services:
        begin_s = time.perf_counter()
        outcome = kill_again_and_again(stage, plays, service, num_kills)
        tell(f"kill {service}", outcome, kills=num_kills, wall_s=time.perf_counter() - begin_s)


def _outages(stage: Stage, plays: list[Play], outage_s: float) -> None:
    for wire in stage.wires:
        before = _num_starts(stage)
        outcome, recovery_s = cut_off(stage, plays, wire, outage_s)
        case = f"{wire} away for {outage_s:g} s"
        tell(case, outcome)
        restarts = _num_starts(stage) - before
        report("chaos", case, "until_all_done", recovery_s, "s", restarts=restarts)


def _poison(stage: Stage, plays: list[Play], num_messages: int) -> None:
    before, samples = _num_starts(stage), real_messages(stage)
    with performing(stage, plays) as outcome:
        found = poison_all(stage, samples, num_messages)
    tell("poison", outcome, topics=len(TOPICS), messages=num_messages)
    for topic, letters in found.items():
        _tell_letters(topic, letters, num_messages)
    report("chaos", "poison", "services_ended", _num_starts(stage) - before, "", bar=0)
    again = redrive(stage, TOPICS[-1], num_messages)
    report("chaos", "poison", "redriven", len(again), "", bar=num_messages, topic=TOPICS[-1].name)


def _tell_letters(topic: str, letters: Letters, num_messages: int) -> None:
    groups = Counter(source.split()[0] for source in letters)
    with_reason = sum(1 for headers in letters.values() if headers.get("dead-reason"))
    report("chaos", f"poison on {topic}", "dead_letters_with_reason", with_reason, "",
           bar=num_expected(topic, num_messages),
           groups=", ".join(f"{name} {number}" for name, number in sorted(groups.items())))  # fmt: skip


def _num_starts(stage: Stage) -> int:
    return sum(stage.cluster.num_starts(service) for service in stage.cluster.services)


if __name__ == "__main__":
    sys.exit(main())
