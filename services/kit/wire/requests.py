"""What the gateway asks for: characters, scripts and performances."""

from __future__ import annotations

from dramatis.gateway.v1 import character_pb2, performance_pb2, script_pb2

from services.kit import messages as m
from services.kit.errors import BadMessage
from services.kit.wire.fields import (
    check_id,
    check_number,
    check_set,
    check_uri,
    from_us,
    parse,
    read_directions,
    read_enum,
    read_envelope,
    read_opening,
    require,
    to_us,
    write_directions,
    write_envelope,
    write_opening,
)


def write_character(value: m.Character) -> character_pb2.Character:
    """The protobuf of a character."""
    consent = character_pb2.Consent(
        kind=f"CONSENT_KIND_{value.consent.kind.name}",
        granted_by=value.consent.granted_by,
        granted_at_us=to_us(value.consent.granted_at),
    )
    return character_pb2.Character(
        tenant=value.tenant,
        character_id=value.character_id,
        portrait_uri=value.portrait_uri,
        face=value.face,
        consent=consent,
        created_at_us=to_us(value.created_at),
    )


def read_character(data: bytes) -> m.Character:
    """The character in `data`. Raises BadMessage when there is none."""
    proto = parse(character_pb2.Character, data)
    tenant = check_id("tenant", proto.tenant)
    consent = m.Consent(
        kind=read_enum(m.ConsentKind, proto.consent.kind),
        granted_by=proto.consent.granted_by,
        granted_at=from_us("granted_at_us", proto.consent.granted_at_us),
    )
    return m.Character(
        tenant=tenant,
        character_id=check_id("character_id", proto.character_id),
        portrait_uri=check_uri(tenant, "portrait_uri", check_set("portrait_uri", proto.portrait_uri)),
        face=proto.face,
        consent=consent,
        created_at=from_us("created_at_us", proto.created_at_us),
    )


def write_script(value: m.Script) -> script_pb2.Script:
    """The protobuf of a script."""
    return script_pb2.Script(
        envelope=write_envelope(value.envelope),
        speech_text=value.speech_text,
        direction_texts=value.direction_texts,
        engine=value.engine,
    )


def read_script(data: bytes) -> m.Script:
    """The script in `data`. Raises BadMessage when there is none."""
    proto = parse(script_pb2.Script, data)
    return m.Script(
        envelope=read_envelope(proto.envelope),
        speech_text=proto.speech_text,
        direction_texts=tuple(proto.direction_texts),
        engine=proto.engine,
    )


def write_performance(value: m.Performance) -> performance_pb2.Performance:
    """The protobuf of a performance."""
    proto = performance_pb2.Performance(
        envelope=write_envelope(value.envelope),
        opening=write_opening(value.opening),
        directions=write_directions(value.directions),
        max_duration_s=value.max_duration_s,
    )
    if value.speech_text is not None:
        proto.speech_text.text = value.speech_text.text
        proto.speech_text.voice = value.speech_text.voice
        proto.speech_text.language = value.speech_text.language
    # An empty string would still choose the input.
    if value.speech_uri:
        proto.speech_uri = value.speech_uri
    if value.speech_url:
        proto.speech_url = value.speech_url
    if value.driver_uri:
        proto.driver_uri = value.driver_uri
    if value.driver_url:
        proto.driver_url = value.driver_url
    if value.listen_uri:
        proto.listen_uri = value.listen_uri
    if value.listen_url:
        proto.listen_url = value.listen_url
    return proto


def read_performance(data: bytes) -> m.Performance:
    """The performance in `data`. Raises BadMessage when there is none."""
    proto = parse(performance_pb2.Performance, data)
    envelope = read_envelope(proto.envelope)
    opening = read_opening(proto, envelope)
    if opening is None:
        raise BadMessage("a performance has no opening, expected one")
    spoken = proto.speech_text
    is_driven = bool(proto.driver_uri or proto.driver_url)
    listens = bool(proto.listen_uri or proto.listen_url)
    speaks = bool(proto.speech_uri or proto.speech_url or spoken.text)
    require(speaks or listens or is_driven, "a performance has no input, expected one")
    require(
        not (is_driven and listens), "a performance has a driver and a listen track, expected one of them"
    )
    text = m.SpokenText(text=spoken.text, voice=spoken.voice, language=spoken.language)
    return m.Performance(
        envelope=envelope,
        opening=opening,
        directions=read_directions(proto.directions),
        speech_uri=check_uri(envelope.tenant, "speech_uri", proto.speech_uri),
        speech_url=proto.speech_url,
        speech_text=text if spoken.text else None,
        driver_uri=check_uri(envelope.tenant, "driver_uri", proto.driver_uri),
        driver_url=proto.driver_url,
        listen_uri=check_uri(envelope.tenant, "listen_uri", proto.listen_uri),
        listen_url=proto.listen_url,
        max_duration_s=check_number("max_duration_s", proto.max_duration_s, 0.0),
    )
