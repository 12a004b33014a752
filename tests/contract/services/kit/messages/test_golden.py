"""The bytes of every message, as the last release wrote them: they must be written and read alike."""

from __future__ import annotations

from typing import Any

import pytest

from services.kit.bus import Record, Source
from services.kit.topics import TOPICS, TYPE_HEADER, Topic
from tests.contract.services.kit.messages.specimens import ALL, SPECIMENS, golden_path, is_same

EACH = pytest.mark.parametrize(
    ("topic", "message"),
    ALL,
    ids=[golden_path(topic, message).stem for topic, message in ALL],
)


@EACH
def test_a_message_becomes_its_golden_bytes(topic: Topic[Any], message: object) -> None:
    assert topic.encode(message) == golden_path(topic, message).read_bytes()


@EACH
def test_golden_bytes_become_their_message(topic: Topic[Any], message: object) -> None:
    assert is_same(topic.decode(golden_path(topic, message).read_bytes()), message)


@EACH
def test_a_record_names_the_type_that_its_bytes_have(topic: Topic[Any], message: object) -> None:
    outgoing = topic.outgoing(message)
    assert outgoing.headers == {TYPE_HEADER: topic.write(message).DESCRIPTOR.full_name.encode()}
    assert outgoing.topic == topic.name


@EACH
def test_the_key_is_the_tenant_and_the_thing_whose_order_matters(topic: Topic[Any], message: object) -> None:
    tenant, _, thing = topic.outgoing(message).key.partition("/")
    assert tenant == "ten_0a"
    assert thing in ("per_0b", "chr_0c")


@EACH
def test_a_record_is_read_back(topic: Topic[Any], message: object) -> None:
    out = topic.outgoing(message)
    record = Record(source=Source(out.topic, 0), offset=0, key=out.key, value=out.value, headers=out.headers)
    assert is_same(topic.read(record), message)


def test_every_topic_has_a_specimen_and_names_its_type_and_version() -> None:
    assert [topic for topic, _ in SPECIMENS] == list(TOPICS)
    for topic in TOPICS:
        area, message = topic.name.split(".")[1:3]
        assert topic.type_name.lower() == f"dramatis.{area}.v1.{message}"
