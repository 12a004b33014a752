from __future__ import annotations

from services.kit.bus import Record, Source
from services.kit.ledger import Ledger

SOURCE = Source("topic", 3)


def record(offset: int, source: Source = SOURCE) -> Record:
    return Record(source=source, offset=offset, key="k", value=b"", headers={})


def test_the_position_is_the_lowest_unsettled_offset() -> None:
    ledger = Ledger()
    claims = [ledger.open(record(offset)) for offset in (5, 6, 7)]
    ledger.settle(claims[1])
    assert ledger.take_committable() == {SOURCE: 5}
    ledger.settle(claims[0])
    assert ledger.take_committable() == {SOURCE: 7}
    ledger.settle(claims[2])
    assert ledger.take_committable() == {SOURCE: 8}


def test_a_position_that_did_not_move_is_not_committed_again() -> None:
    ledger = Ledger()
    ledger.open(record(5))
    ledger.take_committable()
    assert ledger.take_committable() == {}


def test_a_position_that_could_not_be_committed_is_given_again() -> None:
    ledger = Ledger()
    ledger.open(record(5))
    ledger.put_back(ledger.take_committable())
    assert ledger.take_committable() == {SOURCE: 5}


def test_settling_is_new_only_once() -> None:
    ledger = Ledger()
    claim = ledger.open(record(5))
    assert (ledger.settle(claim), ledger.settle(claim)) == (True, False)


def test_a_claim_of_an_earlier_assignment_settles_nothing_of_the_next() -> None:
    ledger = Ledger()
    stale = ledger.open(record(5))
    ledger.forget([SOURCE])
    ledger.open(record(5))
    assert not ledger.settle(stale)
    assert ledger.take_committable() == {SOURCE: 5}


def test_a_claim_on_a_forgotten_source_brings_nothing_back() -> None:
    ledger = Ledger()
    claim = ledger.open(record(5))
    ledger.forget([SOURCE])
    ledger.settle(claim)
    assert ledger.take_committable() == {}


def test_forgetting_gives_the_last_positions() -> None:
    ledger = Ledger()
    done = ledger.open(record(5))
    ledger.open(record(6))
    ledger.settle(done)
    assert ledger.forget([SOURCE, Source("other", 0)]) == {SOURCE: 6}


def test_positions_not_committed_for_a_forgotten_source_stay_forgotten() -> None:
    ledger = Ledger()
    ledger.open(record(5))
    taken = ledger.take_committable()
    ledger.forget([SOURCE])
    ledger.put_back(taken)
    assert ledger.take_committable() == {}


def test_a_log_that_begins_anew_is_noticed() -> None:
    ledger = Ledger()
    ledger.open(record(5))
    assert ledger.has_passed(record(0))
    assert not ledger.has_passed(record(6))
    assert not ledger.has_passed(record(0, Source("other", 0)))


def test_settled_records_are_not_remembered() -> None:
    ledger = Ledger()
    for offset in range(1000):
        ledger.settle(ledger.open(record(offset)))
    assert ledger.num_open() == 0
