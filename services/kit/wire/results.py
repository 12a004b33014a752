"""What moderation and encoding answer about characters: verdicts and identities."""

from __future__ import annotations

from dramatis.encoding.v1 import identity_pb2
from dramatis.moderation.v1 import verdict_pb2

from services.kit import messages as m
from services.kit.wire.fields import (
    check_id,
    check_number,
    check_uri,
    from_us,
    parse,
    read_enum,
    require,
    to_us,
)
from services.kit.wire.session import read_notices, write_notices


def write_verdict(value: m.Verdict) -> verdict_pb2.Verdict:
    """The protobuf of a verdict."""
    return verdict_pb2.Verdict(
        tenant=value.tenant,
        subject=f"SUBJECT_KIND_{value.subject.name}",
        subject_id=value.subject_id,
        is_approved=value.is_approved,
        reasons=[verdict_pb2.Reason(code=r.code, detail=r.detail, score=r.score) for r in value.reasons],
        policy=value.policy,
        created_at_us=to_us(value.created_at),
        portrait_uri=value.portrait_uri,
        face=value.face,
        epoch=value.epoch,
        notices=write_notices(value.notices),
    )


def read_verdict(data: bytes) -> m.Verdict:
    """The verdict in `data`. Raises BadMessage when there is none."""
    proto = parse(verdict_pb2.Verdict, data)
    tenant = check_id("tenant", proto.tenant)
    subject = read_enum(m.SubjectKind, proto.subject)
    prepares = subject is m.SubjectKind.CHARACTER and proto.is_approved
    require(bool(proto.portrait_uri) or not prepares, "an approved character needs its portrait")
    return m.Verdict(
        tenant=tenant,
        subject=subject,
        subject_id=check_id("subject_id", proto.subject_id),
        is_approved=proto.is_approved,
        reasons=tuple(_read_reason(reason) for reason in proto.reasons),
        policy=proto.policy,
        created_at=from_us("created_at_us", proto.created_at_us),
        portrait_uri=check_uri(tenant, "portrait_uri", proto.portrait_uri),
        face=proto.face,
        epoch=proto.epoch,
        notices=read_notices(proto.notices),
    )


def _read_reason(proto: verdict_pb2.Reason) -> m.Reason:
    score = check_number("score", proto.score, 0.0, 1.0) if proto.HasField("score") else None
    return m.Reason(code=proto.code, detail=proto.detail, score=score)


def write_identity(value: m.Identity) -> identity_pb2.Identity:
    """The protobuf of an identity."""
    return identity_pb2.Identity(
        tenant=value.tenant,
        character_id=value.character_id,
        size=value.size,
        identity_uri=value.identity_uri,
        num_faces=value.num_faces,
        code=value.code,
        detail=value.detail,
        created_at_us=to_us(value.created_at),
    )


def read_identity(data: bytes) -> m.Identity:
    """The identity in `data`. Raises BadMessage when there is none."""
    proto = parse(identity_pb2.Identity, data)
    tenant = check_id("tenant", proto.tenant)
    require(bool(proto.identity_uri) != bool(proto.code), "an identity needs either a bundle or a code")
    return m.Identity(
        tenant=tenant,
        character_id=check_id("character_id", proto.character_id),
        size=proto.size,
        identity_uri=check_uri(tenant, "identity_uri", proto.identity_uri),
        num_faces=proto.num_faces,
        code=proto.code,
        detail=proto.detail,
        created_at=from_us("created_at_us", proto.created_at_us),
    )
