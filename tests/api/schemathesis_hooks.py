"""What no schema can say, told to schemathesis: files are files, times differ, a request has its own key."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import Any, Final
from uuid import uuid4

import schemathesis
from schemathesis import Case, GenerationMode, HookContext
from schemathesis.transport import SerializationContext
from schemathesis.transport.requests import REQUESTS_TRANSPORT, multipart_serializer
from schemathesis.transport.serialization import Binary

from services.kit.engines import DRIVEN_ENGINES, SPOKEN_ENGINES
from tests.api.platform import JPEG, MP4, WAV

FILES: Final = {"portrait": JPEG, "picture": JPEG, "speech": WAV, "listen": WAV, "driver": MP4}
EXCLUDED: Final = frozenset({"speech_url", "text", "listen_url", "driver", "driver_url"})
IDEMPOTENCY_KEY: Final = re.compile(r"[!-~]{1,128}")


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
    """Send no idempotency key twice; let what is meant to be taken ask for what there is.

    The schema says neither that the entries of a timeline do not overlap nor which engine takes what.
    """
    headers: Any = case.headers or {}
    if IDEMPOTENCY_KEY.fullmatch(str(headers.get("Idempotency-Key", ""))):
        headers["Idempotency-Key"] = uuid4().hex
    body: Any = case.body
    if not _is_meant(case) or not isinstance(body, dict):
        return
    if "timeline" in body:
        body["timeline"] = [
            {**entry, "start_s": 2.0 * number, "end_s": 2.0 * number + 1.0}
            for number, entry in enumerate(body["timeline"])
        ]
    if not _takes(body.get("engine"), {name for name in body if body[name] is not None}):
        del body["engine"]


@REQUESTS_TRANSPORT.serializer("multipart/form-data")
def write_form(context: SerializationContext, value: Any) -> Any:
    """Send real files, where the request is meant to be taken."""
    if isinstance(value, dict) and _is_meant(context.case):
        if "speech" in value:
            # Where every property is filled in, that some exclude each other is overlooked.
            value = {name: value[name] for name in value.keys() - EXCLUDED}
        value = value | {name: Binary(FILES[name]) for name in FILES.keys() & value.keys()}
    return multipart_serializer(context, value)


def _takes(engine: object, given: Set[str]) -> bool:
    """Whether the engine performs what is given."""
    if engine in DRIVEN_ENGINES:
        return bool(given & {"driver", "driver_url"}) and not given & {"direction", "timeline"}
    if engine in SPOKEN_ENGINES:
        return not given & {"listen", "listen_url", "driver", "driver_url", "timeline"}
    return True


def _is_meant(case: Case[Any]) -> bool:
    """Whether the request is meant to be taken."""
    return case.meta is None or case.meta.generation.mode is GenerationMode.POSITIVE
