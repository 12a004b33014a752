from __future__ import annotations

import asyncio

import pytest

from services.kit.backoff import Backoff
from services.kit.errors import BadInput, Unavailable
from services.kit.retry import retrying


def test_what_does_not_answer_is_asked_again_until_it_does() -> None:
    answers = iter([Unavailable("down"), Unavailable("down"), "up"])

    async def attempt() -> str:
        answer = next(answers)
        if isinstance(answer, Unavailable):
            raise answer
        return str(answer)

    assert asyncio.run(retrying(attempt, Backoff(first_s=0.001))) == "up"


def test_a_refusal_is_not_tried_again() -> None:
    calls = []

    async def attempt() -> None:
        calls.append(1)
        raise BadInput("never")

    with pytest.raises(BadInput):
        asyncio.run(retrying(attempt))
    assert calls == [1]
