"""Records that are no messages, on every topic."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from services.kit import messages as m
from services.kit.dead_letters import REDRIVES
from services.kit.errors import BadMessage
from services.kit.topics import CONTROLS, DEAD_SUFFIX, TOPICS, TYPE_HEADER, VERDICTS, Topic
from tests.servers.cluster import dramatis
from tests.servers.stage import Stage

_SEED: Final = 20261121
_WHEN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_MAX_BYTES: Final = 2000
_TIMEOUT_S: Final = 300.0
_SILENCE_MS: Final = 3000
_SEND_TIMEOUT_S: Final = 120.0
# Every group sets aside what it cannot read.
_NUM_GROUPS: Final = {CONTROLS.name: 4, VERDICTS.name: 2}

Poison = tuple[str, bytes, str]
Letters = Mapping[str, Mapping[str, bytes]]
Samples = Mapping[str, Sequence[bytes]]


def real_messages(stage: Stage) -> Samples:
    """Those on the topics, as the rehearsal left them; nothing may be performed meanwhile."""
    envelope = m.Envelope(tenant="ten_poison", session_id="per_0", epoch=0, sequence=0, created_at=_WHEN)
    control = CONTROLS.encode(m.Control(envelope=envelope, kind=m.ControlKind.CANCEL))
    end_s = time.monotonic() + _TIMEOUT_S
    while True:
        found: dict[str, list[bytes]] = {topic.name: [] for topic in TOPICS} | {CONTROLS.name: [control]}
        for record in _read(stage, list(found)):
            found[record.topic].append(record.value)
        # A slow broker's silence looks like the end.
        if all(found.values()) or time.monotonic() > end_s:
            return found


def poison_all(stage: Stage, samples: Samples, num_messages: int) -> Mapping[str, Letters]:
    """Send poison to every topic and wait for it in the dead-letter topics: topic -> source -> headers."""
    for topic in TOPICS:
        _send(stage, topic, [_brew(topic, samples, number) for number in range(num_messages)])
    return _await_letters(stage, TOPICS, num_messages, redrives=0)


def num_expected(topic: str, num_messages: int) -> int:
    """How many dead letters so many poisoned messages make."""
    return num_messages * _NUM_GROUPS.get(topic, 1)


def redrive(stage: Stage, topic: Topic[Any], num_messages: int) -> Letters:
    """Send the dead letters of a topic back: still poison, they are set aside again and say so."""
    dramatis(stage.backends, "redrive", topic.name)
    return _await_letters(stage, [topic], num_messages, redrives=1)[topic.name]


def _brew(topic: Topic[Any], samples: Samples, number: int) -> Poison:
    """A key, a value and the name of a type: noise, a real message cut short, or one of another version."""
    randomness = Random(f"{_SEED} {topic.name} {number}")
    key = f"ten_poison/per_{number}"
    good = randomness.choice(samples[topic.name])
    if number % 3 == 0:
        noise = _unreadable(topic, lambda: randomness.randbytes(randomness.randint(1, _MAX_BYTES)))
        return key, noise, topic.type_name
    if number % 3 == 1:
        stump = _unreadable(topic, lambda: good[: randomness.randrange(len(good))])
        return key, stump, topic.type_name
    return key, good, topic.type_name.replace(".v1.", ".v2.")


def _unreadable(topic: Topic[Any], draw: Callable[[], bytes]) -> bytes:
    """The first draw that is no message: a cut between two fields may leave one."""
    while True:
        value = draw()
        try:
            topic.decode(value)
        except BadMessage:
            return value


def _send(stage: Stage, topic: Topic[Any], poison: list[Poison]) -> None:
    producer = KafkaProducer(bootstrap_servers=stage.backends.kafka, acks="all")
    try:
        sent = [
            producer.send(topic.name, key=key.encode(), value=value, headers=[(TYPE_HEADER, kind.encode())])
            for key, value, kind in poison
        ]
        for future in sent:
            future.get(_SEND_TIMEOUT_S)
    finally:
        producer.close()


def _await_letters(
    stage: Stage, topics: Sequence[Topic[Any]], num_messages: int, *, redrives: int
) -> dict[str, dict[str, Mapping[str, bytes]]]:
    """The dead letters of topics, once each group has set aside each record, or time is over."""
    expected = sum(num_expected(topic.name, num_messages) for topic in topics)
    end_s = time.monotonic() + _TIMEOUT_S
    found: dict[str, dict[str, Mapping[str, bytes]]] = {}
    while sum(map(len, found.values())) < expected and time.monotonic() < end_s:
        found = {topic.name: {} for topic in topics}
        for record in _read(stage, [topic.dead for topic in topics]):
            headers = dict(record.headers)
            is_ours = (record.key or b"").startswith(b"ten_poison/")
            if is_ours and int(headers.get(REDRIVES, b"0")) == redrives:
                source = f"{headers['dead-group'].decode()} {headers['dead-source'].decode()}"
                found[record.topic.removesuffix(DEAD_SUFFIX)][source] = headers
    return found


def _read(stage: Stage, topics: Sequence[str]) -> Iterator[Any]:
    """The records of topics from the beginning, until none came for a while."""
    consumer = KafkaConsumer(
        bootstrap_servers=stage.backends.kafka,
        auto_offset_reset="earliest",
        group_id=None,
        consumer_timeout_ms=_SILENCE_MS,
    )
    try:
        consumer.assign(
            [
                TopicPartition(topic, number)
                for topic in topics
                for number in consumer.partitions_for_topic(topic) or ()
            ]
        )
        yield from consumer
    finally:
        consumer.close()
