"""What no schema can say, told to schemathesis: files are files, times differ, a request has its own key.

Nothing of the services is imported: Hypothesis draws from the constants of whatever code of ours is loaded,
and examples would change with it.
"""

from __future__ import annotations

import re
from itertools import count
from typing import Any, Final

import schemathesis
from schemathesis import Case, GenerationMode, HookContext
from schemathesis.transport import SerializationContext
from schemathesis.transport.requests import REQUESTS_TRANSPORT, multipart_serializer
from schemathesis.transport.serialization import Binary

from tests.api.media import JPEG, MP4, WAV

FILES: Final = {"portrait": JPEG, "picture": JPEG, "speech": WAV, "listen": WAV, "driver": MP4}
EXCLUDED: Final = frozenset({"speech_url", "text", "listen_url", "driver", "driver_url"})
IDEMPOTENCY_KEY: Final = re.compile(r"[!-~]{1,128}")
NUMBERS: Final = count()


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
    """Send no idempotency key twice; let what is meant to be taken ask for what there is.

    The schema does not say that the entries of a timeline do not overlap.
    """
    headers: Any = case.headers or {}
    if IDEMPOTENCY_KEY.fullmatch(str(headers.get("Idempotency-Key", ""))):
        headers["Idempotency-Key"] = f"request-{next(NUMBERS)}"
    body: Any = case.body
    if _is_meant(case) and isinstance(body, dict) and "timeline" in body:
        body["timeline"] = [
            {**entry, "start_s": 2.0 * number, "end_s": 2.0 * number + 1.0}
            for number, entry in enumerate(body["timeline"])
        ]


@REQUESTS_TRANSPORT.serializer("multipart/form-data")
def write_form(context: SerializationContext, value: Any) -> Any:
    """Send real files, where the request is meant to be taken."""
    if isinstance(value, dict) and _is_meant(context.case):
        if "speech" in value:
            # Where every property is filled in, that some exclude each other is overlooked.
            value = {name: value[name] for name in value.keys() - EXCLUDED}
        value = value | {name: Binary(FILES[name]) for name in FILES.keys() & value.keys()}
    return multipart_serializer(context, value)


def _is_meant(case: Case[Any]) -> bool:
    """Whether the request is meant to be taken."""
    return case.meta is None or case.meta.generation.mode is GenerationMode.POSITIVE
