from __future__ import annotations

import pytest

from services.kit.bus import Record, Source
from services.kit.dead_letters import dead_letter, num_redrives, redriven
from services.kit.errors import BadInput, BadMessage, BlobMissing, Rejected, SessionLost
from services.kit.rejections import code_of

RECORD = Record(
    source=Source("t", 3), offset=7, key="ten_a/per_a", value=b"v", headers={"dramatis-type": b"x"}
)


def buried(record: Record, error: Rejected) -> Record:
    letter = dead_letter(record, "t.dead", "group", error)
    return Record(
        source=Source(letter.topic, 0), offset=0, key=letter.key, value=letter.value, headers=letter.headers
    )


def test_a_letter_keeps_the_record_and_says_why_where_and_for_whom() -> None:
    letter = dead_letter(RECORD, "t.dead", "group", BadMessage("it is torn"))
    assert (letter.topic, letter.key, letter.value) == ("t.dead", RECORD.key, RECORD.value)
    assert letter.headers == {
        "dramatis-type": b"x",
        "dead-error": b"BadMessage",
        "dead-reason": b"it is torn",
        "dead-group": b"group",
        "dead-source": b"t/3/7",
    }


def test_a_long_reason_is_cut() -> None:
    assert len(dead_letter(RECORD, "t.dead", "group", BadInput("x" * 9999)).headers["dead-reason"]) == 500


def test_what_is_sent_back_is_as_it_was_but_counted() -> None:
    back = redriven(buried(RECORD, BadInput("no")), "t", "run-1")
    assert (back.topic, back.key, back.value) == ("t", RECORD.key, RECORD.value)
    assert back.headers == {"dramatis-type": b"x", "dead-redrives": b"1", "dead-run": b"run-1"}


def test_the_count_goes_on_when_it_dies_again() -> None:
    back = redriven(buried(RECORD, BadInput("no")), "t", "run-1")
    again = Record(source=RECORD.source, offset=9, key=back.key, value=back.value, headers=back.headers)
    assert num_redrives(buried(again, BadInput("no"))) == 1
    assert redriven(buried(again, BadInput("no")), "t", "run-2").headers["dead-redrives"] == b"2"


def test_a_hostile_count_is_none() -> None:
    hostile = Record(source=RECORD.source, offset=0, key="k", value=b"", headers={"dead-redrives": b"-x"})
    assert num_redrives(hostile) == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [(BadInput("a"), "bad_input"), (BlobMissing("a"), "blob_missing"), (SessionLost("a"), "session_lost")],
)
def test_the_code_of_an_error_is_the_name_of_its_class(error: Rejected, code: str) -> None:
    assert code_of(error) == code
