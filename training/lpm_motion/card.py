"""The model card beside the weights."""

from __future__ import annotations

from pathlib import Path

from training.lpm_motion.config import TrainingConfig
from training.lpm_motion.data import SpeechData

CARD = """# LPM in motion space

Speech in, 58-number face motion out (52 ARKit blendshapes, head rotation and translation), 25 frames/s,
in chunks of 0.2 s. The architecture is described in `models/lpm`, the choices in
`docs/decisions/0003-motion-space-lpm.md`, the run in `docs/decisions/0004-cpu-training.md`.

- **Data**: {hours:.2f} hours of synthetic speech with known motion, made by `training/worlds/speech`.
  No recording of a person's face or voice was used in training.
- **Run**: {steps} steps of {batch} crops of {seconds:.1f} s; {minutes:.0f} minutes, {threads} CPU thread(s).
- **Weights**: the moving average of the run; Apache-2.0, like the code.
- **Limits**: learned from synthetic voices and rules of articulation. It moves lips plausibly for speech in
  any language; it does not know words, emotions, or the listener.
"""


def write_card(
    folder: Path, config: TrainingConfig, data: SpeechData, *, steps: int, elapsed_s: float
) -> None:
    """Write README.md to `folder`."""
    seconds = config.chunks * config.model.cache.chunk / 25
    text = CARD.format(
        hours=data.hours,
        steps=steps,
        batch=config.batch,
        seconds=seconds,
        minutes=elapsed_s / 60,
        threads=config.threads,
    )
    (folder / "README.md").write_text(text)
