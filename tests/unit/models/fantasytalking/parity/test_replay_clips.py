from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models.fantasytalking.parity.replay import replay
from tests.unit.models.fantasytalking.parity.recording import CONFIG, Recorder, project, weights_of
from tests.unit.models.fantasytalking.parity.twin import TEXT_LENGTH, Twin

PROJECTION = {
    "proj_model.proj.weight": (10, 6),
    "proj_model.norm.weight": (10,),
    "proj_model.norm.bias": (10,),
}
SETTINGS = CONFIG | {"text_len": TEXT_LENGTH}
TOLERANCES = {"audio_tokens": 1e-5, "audio_windows": 1e-5, "k_lens": 0, "out": 1e-4}
# Of 10 tokens in 5 frames: the first latent frame hears 6, the second all.
LENGTHS = torch.tensor([[6, 10]])


class Recording:
    """A clip of two latent frames of 4x4, and what the twin makes of it."""

    def __init__(self) -> None:
        self.twin = Twin(SETTINGS)
        self.weights, fields = weights_of(self.twin.shapes() | PROJECTION)
        self.twin.load(self.weights)
        self.fields: dict[str, Any] = fields | {
            "config": SETTINGS,
            "geometry": {"num_frames": 5, "noise_seed": 1111},
            "junk_padding_output": "out_scale1",
        }
        self.inputs = {
            "latents": _normal(1, 16, 2, 4, 4, seed=1),
            "condition": _normal(1, 20, 2, 4, 4, seed=2),
            "clip_features": _normal(1, 5, 8, seed=3),
            "text": _normal(1, 3, 8, seed=4),
            "text_lens": torch.tensor([3]),
            "timestep": torch.tensor([431.0]),
            "audio_features": _normal(1, 10, 6, seed=5),
        }
        self.tokens = project(self.weights, self.inputs["audio_features"])
        self.windows = torch.zeros(1, 2, 17, 10)
        self.windows[0, 0, :6], self.windows[0, 1, :10] = self.tokens[0, :6], self.tokens[0]

    def velocity(
        self, latents: Tensor, timestep: Tensor, text: Tensor, windows: Tensor, lengths: Tensor, scale: float
    ) -> Tensor:
        given = torch.cat((latents, self.inputs["condition"]), dim=1)
        image = self.inputs["clip_features"]
        return self.twin.velocity(given, timestep, text, image, (windows, lengths, scale))

    def scales(self, windows: Tensor, lengths: Tensor) -> dict[str, Tensor]:
        latents, timestep, text = (self.inputs[name] for name in ("latents", "timestep", "text"))
        return {
            f"out_scale{scale}": self.velocity(latents, timestep, text, windows, lengths, float(scale))
            for scale in (0, 1, 2)
        }


def _normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def recording() -> Recording:
    return Recording()


def test_a_recorded_clip_with_windows_is_reproduced(tmp_path: Path, recording: Recording) -> None:
    junk = recording.windows.clone()
    junk[0, 0, 6:], junk[0, 1, 10:] = 40.0, -40.0
    outputs = {"audio_tokens": recording.tokens, "audio_windows": recording.windows, "k_lens": LENGTHS}
    outputs |= recording.scales(recording.windows, LENGTHS)
    Recorder(tmp_path).arrays(
        "dit_frame",
        recording.fields | {"tolerance_max_abs": TOLERANCES},
        recording.inputs | {"audio_windows_junk_padding": junk},
        outputs,
    )

    verdicts = list(replay(tmp_path))

    assert [verdict.output for verdict in verdicts][-1] == "junk_padding"
    assert len(verdicts) == 7
    assert all(verdict.holds for verdict in verdicts), verdicts
    assert (outputs["out_scale1"] - outputs["out_scale0"]).abs().max() > 0.1


def test_a_recorded_clip_that_hears_all_is_reproduced(tmp_path: Path, recording: Recording) -> None:
    lengths = torch.tensor([7])
    outputs = {"audio_tokens": recording.tokens}
    outputs |= recording.scales(recording.tokens[:, None], lengths[:, None])
    fields = recording.fields | {"tolerance_max_abs": TOLERANCES}
    Recorder(tmp_path).arrays("dit_clip", fields, recording.inputs | {"k_lens": lengths}, outputs)

    verdicts = list(replay(tmp_path))

    assert len(verdicts) == 4
    assert all(verdict.holds for verdict in verdicts), verdicts


def test_a_recorded_clip_of_another_network_does_not_hold(tmp_path: Path, recording: Recording) -> None:
    outputs = recording.scales(recording.windows, torch.tensor([[6, 9]]))
    outputs |= {"audio_tokens": recording.tokens, "audio_windows": recording.windows, "k_lens": LENGTHS}
    inputs = recording.inputs | {"audio_windows_junk_padding": recording.windows}
    fields = recording.fields | {"tolerance_max_abs": TOLERANCES}
    Recorder(tmp_path).arrays("dit_frame", fields, inputs, outputs)

    held = {verdict.output: verdict.holds for verdict in replay(tmp_path)}

    assert held["out_scale0"]
    assert not held["out_scale1"]
    assert not held["out_scale2"]


@pytest.mark.parametrize("audio_scale", [5.0, 3.5])
def test_a_recorded_trajectory_is_reproduced(
    tmp_path: Path, recording: Recording, audio_scale: float
) -> None:
    noise = torch.randn(1, 16, 2, 4, 4, generator=torch.Generator().manual_seed(1111))
    text, negative = recording.inputs["text"], _normal(1, 2, 8, seed=9)
    sigmas = [1.0, 5 * 0.5 / (1 + 4 * 0.5), 0.0]
    latents, trajectory, first = noise, [], noise
    for sigma, following in pairwise(sigmas):
        time = torch.tensor([1000 * sigma])
        v = [
            recording.velocity(latents, time, prompt, recording.windows, LENGTHS, scale)
            for prompt, scale in ((text, 1.0), (text, 0.0), (negative, 0.0))
        ]
        first = torch.cat(v) if sigma == 1.0 else first
        guided = v[2] + 5.0 * (v[1] - v[2]) + audio_scale * (v[0] - v[1])
        latents = latents + guided * (following - sigma)
        trajectory.append(latents)
    run = {"key": "run", "steps": 2, "shift": 5.0, "s_p": 5.0, "s_a": audio_scale}
    tolerances = {"sigmas": 1e-6, "timesteps": 1e-3, "velocity_step0": 1e-4, "latents": 5e-4, "final": 5e-4}
    inputs = {name: recording.inputs[name] for name in ("condition", "clip_features", "text", "text_lens")}
    inputs |= {"audio_features": recording.inputs["audio_features"], "noise": noise}
    inputs |= {"text_negative": negative, "text_negative_lens": torch.tensor([2])}
    outputs = {
        "audio_windows": recording.windows,
        "k_lens": LENGTHS,
        "run.sigmas": torch.tensor(sigmas[:2]),
        "run.timesteps": 1000 * torch.tensor(sigmas[:2]),
        "run.latents": torch.cat(trajectory),
        "run.final": latents,
        "run.velocity_step0": first,
    }
    fields = recording.fields | {"tolerance_max_abs": tolerances, "runs": [run]}
    Recorder(tmp_path).arrays("trajectory", fields, inputs, outputs)

    verdicts = list(replay(tmp_path))

    assert len(verdicts) == 8
    assert all(verdict.holds for verdict in verdicts), verdicts


def test_recorded_geometry_is_reproduced(tmp_path: Path) -> None:
    pixels = torch.full((20, 40, 3), 51)
    size = {
        "image_size": 32,
        "input_width": 40,
        "input_height": 20,
        "resized_width": 32,
        "resized_height": 16,
    }
    size |= {"model_width": 32, "model_height": 16, "latent_width": 4, "latent_height": 2}
    count = {"duration": 1.0, "fps": 23, "max_num_frames": 81, "num_frames": 25, "latent_frames": 7}
    count |= {"audio_samples_available": 16_000, "audio_samples_wanted": 17_391}
    count |= {"audio_samples_used": 16_000, "audio_tokens": 49}
    wrong = count | {"num_frames": 29}
    mask = torch.zeros(4, 2, 2, 4)
    mask[:, 0] = 1
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    seen = torch.stack([torch.full((28, 28), (0.2 - m) / s) for m, s in zip(mean, std, strict=True)])
    outputs = {
        "mask": mask,
        "image_longest_edge": torch.full((16, 32, 3), 51),
        "vae_input_frame0": torch.full((3, 16, 32), -0.6),
        "clip_input_every_8th": seen,
        "clip_input_mean_std": torch.stack((seen.mean(), seen.std())),
    }
    fields = {
        "image_sizes": [size],
        "frame_counts": [count, wrong],
        "masks": [{"key": "mask", "num_frames": 5, "height": 16, "width": 32}],
        "pixel_case": {"image_size": 32},
        "tolerance_max_abs": {
            "masks": 0, "image_longest_edge": 1, "vae_input_frame0": 0.016, "clip_input_every_8th": 0.05
        },
    }  # fmt: skip
    Recorder(tmp_path).arrays("geometry", fields, {"image_rgb": pixels}, outputs)

    verdicts = {verdict.output: verdict for verdict in replay(tmp_path)}

    counts = verdicts.pop("frame_counts")
    assert (counts.error, counts.note) == (1.0, "differing: [1]")
    assert len(verdicts) == 6
    assert all(verdict.holds for verdict in verdicts.values()), verdicts
