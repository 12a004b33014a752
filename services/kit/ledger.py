"""Which records are done: the offset below which a group never needs to read again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.kit.bus import Record, Source

__all__ = ["Claim", "Ledger"]


class Claim:
    """One record that was opened, by one opening of its source."""

    __slots__ = ("offset", "source")

    def __init__(self, source: Source, offset: int) -> None:
        self.source = source
        self.offset = offset


@dataclass(slots=True, kw_only=True)
class _Account:
    # Insertion order is offset order, because records of one source arrive in order.
    open: dict[int, Claim] = field(default_factory=dict)
    following: int = 0
    taken: int | None = None

    def position(self) -> int:
        return next(iter(self.open), self.following)


class Ledger:
    """Opened and settled records per source; a source's position is its lowest unsettled offset."""

    def __init__(self) -> None:
        self._accounts: dict[Source, _Account] = {}

    def open(self, record: Record) -> Claim:
        """Note that a record was received, the ones of a source in order of their offsets."""
        account = self._accounts.setdefault(record.source, _Account())
        claim = account.open[record.offset] = Claim(record.source, record.offset)
        account.following = record.offset + 1
        return claim

    def has_passed(self, record: Record) -> bool:
        """Whether the record, or a later one of its source, was opened before."""
        account = self._accounts.get(record.source)
        return account is not None and record.offset < account.following

    def settle(self, claim: Claim) -> bool:
        """Note that a record is done, and return whether that is new.

        It is not for the second time, nor after `forget`: a claim from before it never settles
        the same record when that is opened again.
        """
        account = self._accounts.get(claim.source)
        if account is not None and account.open.get(claim.offset) is claim:
            del account.open[claim.offset]
            return True
        return False

    def forget(self, sources: Iterable[Source]) -> dict[Source, int]:
        """Drop everything of sources that are no longer ours, and return the positions they had."""
        accounts = {source: self._accounts.pop(source, None) for source in sources}
        return {source: account.position() for source, account in accounts.items() if account is not None}

    def take_committable(self) -> dict[Source, int]:
        """The positions that moved since they were last taken."""
        moved = {}
        for source, account in self._accounts.items():
            position = account.position()
            if position != account.taken:
                moved[source] = account.taken = position
        return moved

    def put_back(self, offsets: Mapping[Source, int]) -> None:
        """Undo `take_committable`, because the positions could not be committed."""
        for source in offsets:
            if (account := self._accounts.get(source)) is not None:
                account.taken = None

    def num_open(self) -> int:
        """How many records wait to be settled."""
        return sum(len(account.open) for account in self._accounts.values())
