"""The voice that the settings choose."""

from __future__ import annotations

from services.ingestion.adapters.espeak import EspeakVoice
from services.ingestion.adapters.flite import FliteVoice
from services.ingestion.adapters.openai import OpenAISpeech
from services.ingestion.settings import VoiceSettings
from services.ingestion.voice import SpeechSynthesizer
from services.kit.errors import Fatal

__all__ = ["choose_voice"]


def choose_voice(settings: VoiceSettings) -> SpeechSynthesizer:
    """The voice of these settings. Raises Fatal when a server is chosen and has no address."""
    if settings.kind == "espeak":
        return EspeakVoice(language=settings.language, voice=settings.voice, timeout_s=settings.timeout_s)
    if settings.kind == "flite":
        return FliteVoice(voice=settings.voice or "slt", timeout_s=settings.timeout_s)
    if not settings.url:
        raise Fatal("voice.url is empty, expected the address of a speech server")
    return OpenAISpeech(
        url=settings.url,
        key=settings.key.get_secret_value(),
        model=settings.model,
        voice=settings.voice or "alloy",
        response_format=settings.response_format,
        timeout_s=settings.timeout_s,
    )
