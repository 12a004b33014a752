"""Who says what when: turns with gaps and overlaps, pauses inside them, backchannels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.worlds.conversation.cast import Line, Party, say_backchannel, say_sentence
from training.worlds.speech.clip import ClipConfig

_LEAST_SILENCE_S = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueConfig:
    """Times in seconds; shares are probabilities.

    A gap lies between turns (below zero the next one begins early), a pause between the sentences of a turn.
    """

    longest_lead_s: float = 3.5
    gap_mean_s: float = 0.25
    gap_spread_s: float = 0.3
    shortest_gap_s: float = -0.3
    longest_gap_s: float = 0.9
    sentences: tuple[float, ...] = (0.4, 0.35, 0.25)
    backchannel_share: float = 0.25
    rare_backchannel_share: float = 0.08


class _Parts:
    """The lines of the two parties so far; no party speaks over itself."""

    def __init__(self, parties: tuple[Party, Party], speech: ClipConfig) -> None:
        self._parties = parties
        self._speech = speech
        self.lines: tuple[list[Line], list[Line]] = ([], [])

    def say(self, rng: np.random.Generator, who: int, start_s: float) -> Line:
        line = say_sentence(rng, self._parties[who], self._free(who, start_s), self._speech)
        self.lines[who].append(line)
        return line

    def agree(self, rng: np.random.Generator, who: int, start_s: float) -> None:
        start_s = self._free(who, start_s)
        self.lines[who].append(say_backchannel(rng, self._parties[who], start_s, self._speech))

    def _free(self, who: int, start_s: float) -> float:
        return max([start_s] + [line.end_s + _LEAST_SILENCE_S for line in self.lines[who][-1:]])


def converse(
    rng: np.random.Generator,
    parties: tuple[Party, Party],
    duration_s: float,
    config: DialogueConfig,
    speech: ClipConfig,
) -> tuple[list[Line], list[Line]]:
    """Let two parties take turns, from somewhere inside a turn on; return the lines of each in order."""
    parts = _Parts(parties, speech)
    who = int(rng.integers(2))
    at_s = float(rng.uniform(-config.longest_lead_s, 1.0))
    while at_s < duration_s:
        num_sentences = 1 + int(rng.choice(len(config.sentences), p=config.sentences))
        for k in range(num_sentences):
            line = parts.say(rng, who, at_s)
            at_s = line.end_s
            if k + 1 == num_sentences or at_s > duration_s:
                break
            if rng.random() < config.backchannel_share:
                parts.agree(rng, 1 - who, at_s + rng.uniform(0.1, 0.4))
            at_s += float(rng.uniform(0.2, 0.9))
        gap_s = rng.normal(config.gap_mean_s, config.gap_spread_s)
        at_s += float(np.clip(gap_s, config.shortest_gap_s, config.longest_gap_s))
        who = 1 - who
    return parts.lines


def lecture(
    rng: np.random.Generator,
    parties: tuple[Party, Party],
    duration_s: float,
    config: DialogueConfig,
    speech: ClipConfig,
) -> tuple[list[Line], list[Line]]:
    """Let the second party talk and the first one listen; return the lines of each in order."""
    parts = _Parts(parties, speech)
    at_s = float(rng.uniform(-config.longest_lead_s, 1.5))
    while at_s < duration_s:
        at_s = parts.say(rng, 1, at_s).end_s
        if rng.random() < config.rare_backchannel_share:
            parts.agree(rng, 0, at_s + rng.uniform(0.2, 0.6))
        at_s += float(rng.uniform(0.2, 1.5))
    return parts.lines
