from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from services.kit.ids import is_id, new_id

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)


def test_an_id_is_its_prefix_and_26_small_digits() -> None:
    assert new_id("chr", NOW, bytes) == "chr_01m7y45mg00000000000000000"


@given(
    early=st.integers(min_value=0, max_value=2**44).map(lambda ms: EPOCH + timedelta(milliseconds=ms)),
    pause=st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(days=9999)),
    chances=st.tuples(st.binary(min_size=10, max_size=10), st.binary(min_size=10, max_size=10)),
)
def test_ids_sort_by_the_millisecond_they_were_made_in(
    early: datetime, pause: timedelta, chances: tuple[bytes, bytes]
) -> None:
    first = new_id("per", early, lambda _: chances[0])
    second = new_id("per", early + pause, lambda _: chances[1])

    assert first < second
    assert is_id(first, "per")


def test_ids_of_one_millisecond_differ_by_chance() -> None:
    numbers = count()
    made = {new_id("per", NOW, lambda size: next(numbers).to_bytes(size)) for _ in range(1000)}

    assert len(made) == 1000


def test_what_is_no_id_of_a_kind_is_told_apart() -> None:
    good = new_id("per", NOW)

    assert is_id(good, "per")
    assert not any(is_id(text, "per") for text in (good[:-1], good + "0", good.upper(), good[:-1] + "u", ""))
    assert not is_id(good, "chr")
