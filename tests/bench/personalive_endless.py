"""Whether PersonaLive's memory and state stay flat over a session of 10,000 chunks, at a small size."""

from __future__ import annotations

import resource
import sys

import torch

from models.personalive.model import PersonaLiveState
from tests.bench.figures import report
from tests.unit.models.personalive.sessions import build, draw_chunk

BENCH = "personalive_endless"
CHUNKS = 10_000
# Memory counts from here on: by then everything has been used once.
SETTLED = 100
DIFFERENT = 32


def main(chunks: int = CHUNKS) -> None:
    """Run one session and report what it came to hold."""
    torch.set_num_threads(1)
    model, active = build(), torch.ones(1, dtype=torch.bool)
    drawn = [draw_chunk(model, 1, seed) for seed in range(DIFFERENT)]
    state, settled, frames = model.init_state(1), 0.0, torch.zeros(())
    begun = _numbers(state)
    for index in range(chunks):
        frames, state = model.step(state, drawn[index % DIFFERENT], active)
        settled = _peak_mib() if index == SETTLED else settled
    case = f"{chunks} chunks"
    report(BENCH, case, "memory grown after chunk 100", _peak_mib() - settled, "MiB", bar=8.0)
    report(BENCH, case, "numbers in the state, grown", _numbers(state) - begun, "numbers", bar=0)
    report(BENCH, case, "keyframes", int(state.keyframes.filled), "", bar=model.config.keyframes.limit)
    report(BENCH, case, "frames that are numbers", float(frames.isfinite().float().mean()), "", bar=1.0)


def _numbers(state: PersonaLiveState) -> int:
    memory = [part for place in state.keyframes.memory for part in place]
    return sum(part.numel() for part in (*state.waiting, *state.driver, *state.seen, *memory))


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
