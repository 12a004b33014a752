"""The servers that other tests rely on are real: they do what their clients ask."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import asyncpg
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from minio.error import S3Error
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from tests.servers.postgres import open_database, open_own_postgres
from tests.servers.processes import scratch
from tests.servers.proxy import Proxy, open_proxy
from tests.servers.s3 import S3Server

_TIMEOUT_S = 60.0


@pytest.fixture
def wire(redis_url: str) -> Iterator[Proxy]:
    """A proxy before Redis."""
    address = urlsplit(redis_url)
    assert address.hostname is not None
    assert address.port is not None
    with open_proxy() as proxy:
        proxy.forward(address.hostname, address.port)
        yield proxy


@pytest.fixture
def client(wire: Proxy) -> Iterator[Redis]:
    """A client that goes through the proxy and does not try twice."""
    with Redis(
        host=wire.host, port=wire.port, retry=Retry(NoBackoff(), 0), socket_timeout=_TIMEOUT_S
    ) as redis:
        yield redis


def test_kafka_gives_back_what_was_sent(kafka_address: str) -> None:
    producer = KafkaProducer(bootstrap_servers=kafka_address, acks="all")
    producer.send("test.servers", b"hello", partition=0).get(_TIMEOUT_S)
    producer.close()
    consumer = KafkaConsumer(bootstrap_servers=kafka_address, auto_offset_reset="earliest", group_id=None)
    consumer.assign([TopicPartition("test.servers", 0)])
    records = consumer.poll(timeout_ms=60_000)
    consumer.close()
    assert [record.value for batch in records.values() for record in batch] == [b"hello"]


def test_s3_gives_back_what_was_put(s3_server: S3Server) -> None:
    client = s3_server.client()
    client.put_object(bucket_name=s3_server.bucket, object_name="a/b", data=io.BytesIO(b"hello"), length=5)
    assert client.get_object(bucket_name=s3_server.bucket, object_name="a/b").data == b"hello"


def test_s3_refuses_a_wrong_key(s3_server: S3Server) -> None:
    forged = replace(s3_server, secret_key="wrong")
    with pytest.raises(S3Error, match=r"AccessDenied|SignatureDoesNotMatch"):
        forged.client().bucket_exists(bucket_name=forged.bucket)


def test_redis_keeps_a_value(redis_url: str) -> None:
    client = Redis.from_url(redis_url)
    client.set("test.servers", b"hello")
    assert client.get("test.servers") == b"hello"


def test_a_cluster_of_our_own_makes_databases() -> None:
    with scratch() as folder, open_own_postgres(folder) as (host, port), open_database(host, port) as url:
        assert asyncio.run(_answer(url)) == 42


def test_a_proxy_carries_both_ways(client: Redis) -> None:
    assert client.echo("hello") == b"hello"


def test_a_cut_proxy_breaks_connections(wire: Proxy, client: Redis) -> None:
    client.ping()
    wire.cut()
    with pytest.raises(RedisConnectionError):
        client.ping()


def test_a_restored_proxy_keeps_its_address(wire: Proxy, client: Redis) -> None:
    wire.cut()
    wire.restore()
    assert client.ping()


async def _answer(url: str) -> object:
    connection = await asyncpg.connect(url.replace("+asyncpg", ""), timeout=_TIMEOUT_S)
    try:
        return await connection.fetchval("SELECT 42", timeout=_TIMEOUT_S)
    finally:
        await connection.close()
