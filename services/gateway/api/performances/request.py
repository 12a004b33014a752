"""What the API's description says of the body that asks for a performance."""

from __future__ import annotations

from collections.abc import Collection
from itertools import product
from typing import Final, get_args

from services.gateway.api.bodies import JSON
from services.gateway.api.forms import MULTIPART
from services.gateway.api.openapi import BINARY, Json, inline
from services.gateway.api.performances.inputs import (
    FILE_TYPES,
    FOLLOWED,
    HEARD,
    MODELS,
    SAID,
    TYPED_FIELDS,
)
from services.gateway.api.performances.models import PerformanceIn
from services.kit.engines import DRIVEN_ENGINES, SPOKEN_ENGINES, EngineName

__all__ = ["REQUEST"]

_FILES: Final = {
    "speech": "What the character says: sound, or a video",
    "listen": "What is said to the character: sound, or a video",
    "driver": "A video to follow",
}


_USUAL: Final = frozenset(get_args(EngineName)) - DRIVEN_ENGINES - SPOKEN_ENGINES
# What a field is that is not there: JSON may say so, a form cannot.
_ABSENT_JSON: Final[Json] = {"type": "null"}
_ABSENT_FORM: Final = False
_EMPTY: Final[Json] = {"maxItems": 0}


def _json_schema() -> Json:
    definitions: Json = {}
    schemas = {name: inline(model) for name, model in MODELS.items()}
    for name, schema in schemas.items():
        definitions.update(schema.pop("$defs", {}))
        schema["oneOf"] = _terms({name}, _ABSENT_JSON)
    return {"oneOf": list(schemas.values()), "$defs": definitions}


def _form_schema() -> Json:
    schema = inline(PerformanceIn)
    schema["title"] = "PerformanceForm"
    for name, model in MODELS.items():
        asked = inline(model)
        schema["$defs"] |= asked["$defs"]
        schema["properties"][name] = asked["properties"][name]
    for name, description in _FILES.items():
        schema["properties"][name] = {**BINARY, "description": description}
    schema["oneOf"] = [
        _both(_exactly(names), terms)
        for names in _inputs()
        if names & _FILES.keys()
        for terms in _terms(names, _ABSENT_FORM)
    ]
    return schema


def _inputs() -> list[set[str]]:
    """Every set of inputs that a performance may have."""
    tracks = [{said, heard} - {""} for said, heard in product((*SAID, ""), (*HEARD, ""))]
    return [*filter(None, tracks), *({name} for name in FOLLOWED)]


def _exactly(names: set[str]) -> Json:
    others = [name for name in (*SAID, *HEARD, *FOLLOWED) if name not in names]
    return {"required": sorted(names), "properties": dict.fromkeys(others, False)}


def _terms(names: set[str], absent: Json | bool) -> list[Json]:
    """The terms on which engines take these inputs, first those of the one that need not be named."""
    terms: list[Json] = [{"properties": {"engine": {"enum": sorted(_USUAL)}}}]
    if names.issubset(FOLLOWED):
        terms.append(_on_terms(DRIVEN_ENGINES, {"direction": absent, "timeline": _EMPTY}))
    if names.issubset(SAID):
        terms.append(_on_terms(SPOKEN_ENGINES, {"listen_url": absent, "timeline": _EMPTY}))
    return terms


def _on_terms(engines: Collection[str], fields: Json) -> Json:
    return {"required": ["engine"], "properties": {"engine": {"enum": sorted(engines)}, **fields}}


def _both(one: Json, other: Json) -> Json:
    return {
        "required": [*one["required"], *other.get("required", ())],
        "properties": one["properties"] | other["properties"],
    }


_CHARACTER: Final = "chr_01j8z3k4m5n6p7q8r9s0t1v2w3"
REQUEST: Final[Json] = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": _json_schema(),
                "examples": {
                    "text": {"value": {"character_id": _CHARACTER, "text": {"text": "Hello, I am Ada."}}},
                    "speech_url": {
                        "value": {
                            "character_id": _CHARACTER,
                            "speech_url": "https://files.example.com/speech.mp3",
                            "direction": "calm",
                            "timeline": [{"start_s": 0.0, "end_s": 2.5, "text": "smiles a little"}],
                        }
                    },
                    "conversation": {
                        "value": {
                            "character_id": _CHARACTER,
                            "speech_url": "https://files.example.com/agent.wav",
                            "listen_url": "https://files.example.com/user.wav",
                        }
                    },
                    "listening": {
                        "value": {
                            "character_id": _CHARACTER,
                            "listen_url": "https://files.example.com/user.wav",
                        }
                    },
                },
            },
            MULTIPART: {
                "schema": _form_schema(),
                "encoding": {
                    **{name: {"contentType": ", ".join(sorted(FILE_TYPES[name]))} for name in _FILES},
                    **{name: {"contentType": JSON} for name in sorted(TYPED_FIELDS)},
                },
            },
        },
    }
}
