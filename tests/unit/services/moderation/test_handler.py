from __future__ import annotations

import asyncio
import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from services.kit import messages as m
from services.kit.bus import Outgoing, Record, Source
from services.kit.contracts import Pixels
from services.kit.errors import Unavailable
from services.kit.folder_blobs import FolderBlobs
from services.kit.memory_bus import MemoryBus
from services.kit.topics import VERDICTS
from services.moderation.domain import Policy, PortraitRules, TextRules
from services.moderation.handler import Moderation
from services.moderation.judges import Judges
from services.moderation.policy import read_default_policy

NOW = datetime(2026, 1, 2, tzinfo=UTC)
PORTRAIT = "ten_a/characters/chr_a/portrait"
CONSENT = m.Consent(kind=m.ConsentKind.SELF, granted_by="Ada", granted_at=NOW - timedelta(days=1))


class FixedClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


class RecordingBus(MemoryBus):
    def __init__(self) -> None:
        super().__init__()
        self.published: list[Outgoing] = []

    async def publish(self, records: Sequence[Outgoing]) -> None:
        self.published += records


class FakeFaces:
    def __init__(self, *sides: float) -> None:
        self.sides = sides
        self.looked = 0

    async def find(self, picture: Pixels) -> Sequence[float]:
        self.looked += 1
        return self.sides


class FakeClassifier:
    def __init__(self, **scores: float) -> None:
        self.scores = scores
        self.seen: list[object] = []
        self.is_down = False

    async def classify(self, subject: object) -> Mapping[str, float]:
        self.seen.append(subject)
        if self.is_down:
            raise Unavailable("the classifier does not answer")
        return self.scores


class LostBlobs(FolderBlobs):
    async def get(self, key: str) -> bytes:
        raise Unavailable("the blob store does not answer")


class Court:
    """A moderation service with judges that answer as told."""

    def __init__(self, folder: Path, *sides: float) -> None:
        self.bus = RecordingBus()
        self.blobs = FolderBlobs(folder, force=lambda _: None)
        self.faces = FakeFaces(*(sides or (80.0,)))
        self.pictures = FakeClassifier(nsfw=0.1)
        self.texts = FakeClassifier(toxic=0.1)
        default = read_default_policy()
        self.policy = Policy(
            name="test",
            version="7",
            portrait=PortraitRules(labels={"nsfw": 0.5}),
            text=replace(default.text, labels={"toxic": 0.5}),
        )

    def moderation(self) -> Moderation:
        judges = Judges(policy=self.policy, faces=self.faces, pictures=self.pictures, texts=self.texts)
        return Moderation(bus=self.bus, blobs=self.blobs, clock=FixedClock(), judges=judges)

    def judge(self, portrait: bytes | None, consent: m.Consent = CONSENT, face: int = 0) -> m.Verdict:
        async def scenario() -> None:
            if portrait is not None:
                await self.blobs.put(PORTRAIT, portrait, "image/png")
            await self.moderation().judge_character(character(consent, face))

        asyncio.run(scenario())
        return self.verdict()

    def judge_texts(self, speech: str, *directions: str) -> m.Verdict:
        asyncio.run(self.moderation().judge_script(script(speech, *directions)))
        return self.verdict()

    def judge_words(self, script: m.Script) -> m.Verdict:
        asyncio.run(self.moderation().judge_script(script))
        return self.verdict()

    def verdict(self) -> m.Verdict:
        [record] = self.bus.published
        return VERDICTS.read(record_of(record))


def record_of(outgoing: Outgoing) -> Record:
    return Record(
        source=Source(outgoing.topic, 0),
        offset=0,
        key=outgoing.key,
        value=outgoing.value,
        headers=outgoing.headers,
    )


def character(consent: m.Consent = CONSENT, face: int = 0) -> m.Character:
    return m.Character(
        tenant="ten_a",
        character_id="chr_a",
        portrait_uri=PORTRAIT,
        face=face,
        consent=consent,
        created_at=NOW,
    )


def script(speech: str, *directions: str) -> m.Script:
    envelope = m.Envelope(tenant="ten_a", session_id="per_a", epoch=3, sequence=0, created_at=NOW)
    return m.Script(envelope=envelope, speech_text=speech, direction_texts=directions)


def png(width: int = 200, height: int = 200) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(file, "PNG")
    return file.getvalue()


def bomb(width: int, height: int) -> bytes:
    """A PNG that claims to be large, with a megabyte of zeros per kilobyte inside."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(20_000_000), 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def codes(verdict: m.Verdict) -> list[str]:
    return [reason.code for reason in verdict.reasons]


def test_a_sound_portrait_with_consent_is_approved(tmp_path: Path) -> None:
    verdict = Court(tmp_path).judge(png())
    assert verdict == m.Verdict(
        tenant="ten_a",
        subject=m.SubjectKind.CHARACTER,
        subject_id="chr_a",
        is_approved=True,
        reasons=(),
        policy="test/7",
        created_at=NOW,
        portrait_uri=PORTRAIT,
        face=0,
    )


def test_every_reason_is_told_not_only_the_first(tmp_path: Path) -> None:
    court = Court(tmp_path, 20.0)
    court.pictures.scores["nsfw"] = 0.75
    consent = m.Consent(kind=m.ConsentKind.LICENSED, granted_by=" ", granted_at=NOW + timedelta(days=1))
    verdict = court.judge(png(), consent)
    assert not verdict.is_approved
    assert codes(verdict) == [
        "consent_missing",
        "consent_not_yet_granted",
        "face_too_small",
        "portrait_classified",
    ]
    assert verdict.reasons[-1].score == 0.75


@pytest.mark.parametrize(
    ("sides", "face", "code"), [((80.0, 70.0), 0, "several_faces"), ((80.0,), 2, "face_not_there")]
)
def test_a_portrait_without_the_one_face_is_rejected(
    sides: tuple[float, ...], face: int, code: str, tmp_path: Path
) -> None:
    assert codes(Court(tmp_path, *sides).judge(png(), face=face)) == [code]


def test_a_portrait_without_a_face_is_rejected(tmp_path: Path) -> None:
    court = Court(tmp_path)
    court.faces.sides = ()
    assert codes(court.judge(png())) == ["no_face"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "portrait_unreadable"),
        (b"no picture", "portrait_unreadable"),
        (b"GIF89a" + bytes(100), "portrait_unreadable"),
        (png()[:100], "portrait_unreadable"),
        (png(100, 300), "portrait_too_small"),
        (bytes(33 << 20), "portrait_too_large"),
        (None, "portrait_missing"),
    ],
    ids=["empty", "text", "gif", "truncated", "small", "heavy", "missing"],
)
def test_what_is_no_usable_portrait_is_rejected(data: bytes | None, code: str, tmp_path: Path) -> None:
    court = Court(tmp_path)
    assert codes(court.judge(data)) == [code]
    assert court.faces.looked == 0


@pytest.mark.parametrize(
    ("width", "height", "code"),
    [
        (8_000, 8_000, "portrait_too_large"),
        (32_000, 32_000, "portrait_unreadable"),
        (1, 1_000_000_000, "portrait_unreadable"),
    ],
)
def test_a_picture_bomb_is_rejected_before_it_is_decoded(
    width: int, height: int, code: str, tmp_path: Path
) -> None:
    court = Court(tmp_path)
    assert codes(court.judge(bomb(width, height))) == [code]
    assert court.faces.looked == 0


def test_a_blob_store_that_does_not_answer_holds_the_character(tmp_path: Path) -> None:
    court = Court(tmp_path)
    court.blobs = LostBlobs(tmp_path)
    with pytest.raises(Unavailable):
        court.judge(png())
    assert court.bus.published == []


def test_a_classifier_that_does_not_answer_holds_the_character(tmp_path: Path) -> None:
    court = Court(tmp_path)
    court.pictures.is_down = True
    with pytest.raises(Unavailable):
        court.judge(png())
    assert court.bus.published == []


def test_a_classifier_that_does_not_answer_holds_the_script(tmp_path: Path) -> None:
    court = Court(tmp_path)
    court.texts.is_down = True
    with pytest.raises(Unavailable):
        court.judge_texts("Hello")
    assert court.bus.published == []


def test_a_script_without_words_is_approved_and_keeps_its_epoch(tmp_path: Path) -> None:
    court = Court(tmp_path)
    verdict = court.judge_texts("")
    assert (verdict.is_approved, verdict.subject, verdict.subject_id, verdict.epoch) == (
        True,
        m.SubjectKind.PERFORMANCE,
        "per_a",
        3,
    )
    assert court.texts.seen == []


def test_every_text_of_a_script_is_judged(tmp_path: Path) -> None:
    court = Court(tmp_path)
    verdict = court.judge_texts("Good evening", "smiling", "Kill yourself")
    assert codes(verdict) == ["self_harm_encouraged"]
    assert court.texts.seen == ["Good evening", "smiling", "Kill yourself"]


def test_a_text_is_classified_too(tmp_path: Path) -> None:
    court = Court(tmp_path)
    court.texts.scores["toxic"] = 0.75
    verdict = court.judge_texts("Good evening")
    assert [(reason.code, reason.score) for reason in verdict.reasons] == [("speech_classified", 0.75)]


def test_a_text_too_long_is_rejected_without_being_classified(tmp_path: Path) -> None:
    court = Court(tmp_path)
    court.policy = replace(court.policy, text=TextRules(max_characters=3, labels={"toxic": 0.5}))
    assert codes(court.judge_texts("Good evening")) == ["text_too_long"]
    assert court.texts.seen == []


def test_a_direction_that_is_understood_is_approved_without_a_notice(tmp_path: Path) -> None:
    verdict = Court(tmp_path).judge_texts("Wibble", "smile a little", "nod")
    assert (verdict.is_approved, verdict.notices) == (True, ())


def test_words_of_directions_that_nobody_knows_are_noticed_and_approved(tmp_path: Path) -> None:
    verdict = Court(tmp_path).judge_texts("", "smile wibbly", "wibbly wobbly")
    [notice] = verdict.notices
    assert (verdict.is_approved, notice.code) == (True, "direction_not_understood")
    assert notice.detail == (
        "not understood and ignored: wibbly, wobbly; 1 of 2 directions ask for nothing that is known"
    )


def test_only_so_many_unknown_words_are_quoted(tmp_path: Path) -> None:
    words = [f"wibble{chr(ord('a') + n)}" for n in range(15)]
    [notice] = Court(tmp_path).judge_texts("", f"smile {' '.join(words)}").notices
    assert notice.detail == f"not understood and ignored: {', '.join(words[:12])} and 3 more"


def test_words_of_any_kind_are_approved_where_the_engine_reads_them(tmp_path: Path) -> None:
    words = replace(script("", "smile wibbly"), engine="fantasytalking")
    verdict = Court(tmp_path).judge_words(words)
    assert (verdict.is_approved, verdict.notices) == (True, ())
