"""Lists in pages: newest first, continued from an opaque cursor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

__all__ = ["Page", "Paging", "paging"]

ItemT = TypeVar("ItemT")

_CURSOR: Final = r"^[0-9a-z]{26}$"


class Page(BaseModel, Generic[ItemT]):
    """A page of a list, the newest first."""

    data: list[ItemT]
    has_more: bool = Field(description="Whether there are older ones")
    next_cursor: str | None = Field(description="Give it as `cursor` to read on; null on the last page")


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """Which page is asked for. Read `limit + 1` rows with an id below `before(prefix)`, by falling id."""

    limit: int
    cursor: str | None

    def before(self, prefix: str) -> str:
        """Ids of the page are smaller than this; `prefix` is that of the ids, such as "chr_"."""
        # A tilde sorts behind every character of an id.
        return prefix + (self.cursor or "~")

    def next_cursor(self, ids: Sequence[str]) -> str | None:
        """Where the next page begins; `ids` are those of the rows read."""
        return ids[self.limit - 1].partition("_")[2] if len(ids) > self.limit else None


def paging(
    limit: Annotated[int, Query(ge=1, le=100, description="How many a page has at most")] = 20,
    cursor: Annotated[
        str | None, Query(pattern=_CURSOR, description="`next_cursor` of the page before")
    ] = None,
) -> Paging:
    """The dependency that reads the query parameters of a list."""
    return Paging(limit=limit, cursor=cursor)
