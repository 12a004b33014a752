"""Reading a policy from its TOML file."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.kit.errors import Fatal
from services.moderation.domain import Pattern, Policy, PortraitRules, TextRules

__all__ = ["read_default_policy", "read_policy"]

_DEFAULT: Final = "policy.toml"
_DEFAULTS: Final = PortraitRules()

Score = Annotated[float, Field(ge=0, lt=1)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _PatternTable(_Table):
    code: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    pattern: Annotated[str, Field(min_length=1)]


class _PortraitTable(_Table):
    max_bytes: Annotated[int, Field(ge=1)] = _DEFAULTS.max_bytes
    max_pixels: Annotated[int, Field(ge=1)] = _DEFAULTS.max_pixels
    min_side: Annotated[int, Field(ge=1)] = _DEFAULTS.min_side
    min_face_side: Annotated[int, Field(ge=1)] = int(_DEFAULTS.min_face_side)
    labels: dict[str, Score] = {}


class _TextTable(_Table):
    max_characters: Annotated[int, Field(ge=1)] = TextRules().max_characters
    labels: dict[str, Score] = {}
    patterns: list[_PatternTable] = []


class _PolicyTable(_Table):
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z.-]{1,31}$")]
    portrait: _PortraitTable = _PortraitTable()
    text: _TextTable = _TextTable()


def read_default_policy() -> Policy:
    """The policy that ships with the service."""
    return _parse(files("services.moderation").joinpath(_DEFAULT).read_text("utf-8"), _DEFAULT)


def read_policy(path: Path) -> Policy:
    """The policy in a file. Raises Fatal when it is none."""
    try:
        return _parse(path.read_text("utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise Fatal(f"policy {path} cannot be read") from error


def _parse(content: str, name: str) -> Policy:
    try:
        table = _PolicyTable.model_validate(tomllib.loads(content))
        patterns = tuple(_to_pattern(pattern) for pattern in table.text.patterns)
    except (tomllib.TOMLDecodeError, ValidationError, re.error) as error:
        raise Fatal(f"policy {name} is not one: {' '.join(str(error).split())[:500]}") from error
    text = TextRules(max_characters=table.text.max_characters, patterns=patterns, labels=table.text.labels)
    return Policy(
        name=table.name,
        version=table.version,
        portrait=PortraitRules(**table.portrait.model_dump()),
        text=text,
    )


def _to_pattern(table: _PatternTable) -> Pattern:
    return Pattern(code=table.code, regex=re.compile(table.pattern, re.IGNORECASE))
