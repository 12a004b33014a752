"""What no schema can say, told to schemathesis: files are files, and each request has its own key."""

from __future__ import annotations

import re
from typing import Any, Final
from uuid import uuid4

import schemathesis
from schemathesis import Case, GenerationMode, HookContext
from schemathesis.transport import SerializationContext
from schemathesis.transport.requests import REQUESTS_TRANSPORT, multipart_serializer
from schemathesis.transport.serialization import Binary

from tests.api.platform import JPEG, MP4, WAV

FILES: Final = {"portrait": JPEG, "picture": JPEG, "speech": WAV, "driver": MP4}
IDEMPOTENCY_KEY: Final = re.compile(r"[!-~]{1,128}")


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
    """Send no idempotency key twice."""
    headers: Any = case.headers or {}
    if IDEMPOTENCY_KEY.fullmatch(str(headers.get("Idempotency-Key", ""))):
        headers["Idempotency-Key"] = uuid4().hex


@REQUESTS_TRANSPORT.serializer("multipart/form-data")
def write_form(context: SerializationContext, value: Any) -> Any:
    """Send real files, where the request is meant to be taken."""
    meta = context.case.meta
    if isinstance(value, dict) and (meta is None or meta.generation.mode is GenerationMode.POSITIVE):
        value = value | {name: Binary(FILES[name]) for name in FILES.keys() & value.keys()}
        if "speech" in value:
            # Where every property is filled in, that only one of the two may be there is overlooked.
            value.pop("driver", None)
    return multipart_serializer(context, value)
