from __future__ import annotations

import pytest

from models.fantasytalking.parallel.exchange import share_of


@pytest.mark.parametrize(("total", "degree"), [(12, 4), (18, 4), (3, 4), (21_504, 5)])
def test_processes_hold_every_token_once(total: int, degree: int) -> None:
    shares = [share_of(total, rank, degree) for rank in range(degree)]

    assert [token for share in shares for token in range(share.start, share.end)] == list(range(total))


def test_shares_differ_by_one_token_at_most() -> None:
    sizes = [share.end - share.start for share in (share_of(18, rank, 4) for rank in range(4))]

    assert sizes == [5, 5, 4, 4]
