"""How many requests a key may make: a token bucket each, in this process."""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from services.gateway.problems import RATE_LIMITED, Problem
from services.kit.clock import Clock

__all__ = ["RateLimits"]

_WINDOW_S: Final = 60.0
_MAX_BUCKETS: Final = 10_000


@dataclass(slots=True, kw_only=True)
class _Bucket:
    tokens: float
    filled_s: float


class RateLimits:
    """Token buckets by key: a burst of one minute's requests, filled evenly."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str, per_minute: int) -> dict[str, str]:
        """Take one request from the bucket and return the RateLimit headers.

        Raises Problem rate_limited, with the seconds to wait, when it is empty.
        """
        bucket = self._filled(key, per_minute)
        is_allowed = bucket.tokens >= 1
        if is_allowed:
            bucket.tokens -= 1
        headers = {
            "RateLimit-Limit": str(per_minute),
            "RateLimit-Remaining": str(int(bucket.tokens)),
            "RateLimit-Reset": str(math.ceil((per_minute - bucket.tokens) * _WINDOW_S / per_minute)),
        }
        if is_allowed:
            return headers
        wait_s = math.ceil((1 - bucket.tokens) * _WINDOW_S / per_minute)
        raise Problem(
            RATE_LIMITED,
            f"{per_minute} requests a minute are allowed; try again in {wait_s} s",
            headers={**headers, "Retry-After": str(wait_s)},
        )

    def _filled(self, key: str, per_minute: int) -> _Bucket:
        now_s = self._clock.monotonic()
        bucket = self._buckets.pop(key, None)
        if bucket is None:
            bucket = _Bucket(tokens=float(per_minute), filled_s=now_s)
        gained = (now_s - bucket.filled_s) * per_minute / _WINDOW_S
        bucket.tokens = min(float(per_minute), bucket.tokens + gained)
        bucket.filled_s = now_s
        self._buckets[key] = bucket
        if len(self._buckets) > _MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return bucket
