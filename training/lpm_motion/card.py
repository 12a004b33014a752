"""The model card beside the weights."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from models.motion import FRAME_RATE_HZ
from training.lpm_motion.config import TrainingConfig
from training.lpm_motion.data import Scenes
from training.lpm_motion.evaluation import Figures

CARD = """# LPM in motion space

What the character says, what it hears and how it is directed go in; out comes 58-number face motion (52 ARKit
blendshapes, head rotation and translation), 25 frames/s, in chunks of 0.2 s. The architecture is described in
`models/lpm`, the choices in `docs/decisions/0003-motion-space-lpm.md` and
`docs/decisions/0028-two-streams-and-direction-in-one-network.md`, the run in
`docs/decisions/0004-cpu-training.md`, the directions in `docs/direction.md`.

- **Data**: {hours:.2f} hours of synthetic speech and conversation with known motion, made by
  `training/worlds/conversation`. The voices are those of speech synthesisers, some of them made from
  recordings by their authors; no filmed face was used.
- **Run**: {steps} steps of {batch} crops of {seconds:.1f} s; {minutes:.0f} minutes, {threads} CPU thread(s).
- **Weights**: the moving average of the run; Apache-2.0, like the code.
- **Limits**: learned from synthetic voices, rules of articulation and rules of behaviour. It moves lips
  plausibly for speech in any language, and reacts to when and how the other speaks; it does not know words,
  neither its own nor the other's. Directions are those of a closed English lexicon.
"""


FIGURES = """
Figures, streamed over voices that training never heard:

| what | figure |
|---|---|
| /m b p/ whose lips meet within 40 ms | {closure:.1%} |
| correlation of the lips' opening with what was taught | {opening_r:.2f} |
| widest opening in digital silence, of a wide-open jaw | {silent_opening:.1%} |
| correlation of two takes of one speech: lips, head | {takes_mouth_r:.2f}, {takes_head_r:.2f} |
"""


def write_card(
    folder: Path, config: TrainingConfig, data: Scenes, *, steps: int, elapsed_s: float, figures: str = ""
) -> None:
    """Write README.md to `folder`; `figures` is the text of `describe`."""
    seconds = config.chunks * config.model.cache.chunk / FRAME_RATE_HZ
    text = CARD.format(
        hours=data.hours,
        steps=steps,
        batch=config.batch,
        seconds=seconds,
        minutes=elapsed_s / 60,
        threads=config.threads,
    )
    (folder / "README.md").write_text(text + figures)


def describe(figures: Figures) -> str:
    """Return the figures as a table in Markdown."""
    return FIGURES.format(**asdict(figures))
