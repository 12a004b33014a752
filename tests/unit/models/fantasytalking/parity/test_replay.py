from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor

from models.fantasytalking.config import tiny
from models.fantasytalking.names import is_audio, original_name, published_name
from models.fantasytalking.network import FantasyTalking
from models.fantasytalking.parity.replay import replay
from models.parity.fixtures import Verdict
from tests.unit.models.fantasytalking.parity.recording import (
    CONFIG,
    Recorder,
    attend_plainly,
    project,
    weights_of,
)
from tests.unit.models.fantasytalking.scenes import released

PROJECTION = {
    "proj_model.proj.weight": (10, 6),
    "proj_model.norm.weight": (10,),
    "proj_model.norm.bias": (10,),
}


def _normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def _replayed(folder: Path) -> dict[str, Verdict]:
    return {verdict.output: verdict for verdict in replay(folder)}


def _record_projection(folder: Path, error: float = 0.0) -> None:
    weights, fields = weights_of(PROJECTION)
    features = _normal(1, 4, 6)
    outputs = {"audio_tokens": project(weights, features) + error}
    tolerances = {"tolerance_max_abs": {"audio_tokens": 1e-5}}
    Recorder(folder).arrays("audio_proj", fields | tolerances, {"audio_features": features}, outputs)


def test_a_recorded_projection_is_reproduced(tmp_path: Path) -> None:
    _record_projection(tmp_path)

    (verdict,) = replay(tmp_path)

    assert verdict.holds
    assert (verdict.case, verdict.output, verdict.tolerance) == ("audio_proj", "audio_tokens", 1e-5)


def test_a_number_that_is_off_does_not_hold(tmp_path: Path) -> None:
    _record_projection(tmp_path, error=0.25)

    (verdict,) = replay(tmp_path)

    assert not verdict.holds
    assert verdict.error == pytest.approx(0.25, abs=1e-4)


def test_weights_that_are_not_the_recorded_ones_are_refused(tmp_path: Path) -> None:
    _, fields = weights_of(PROJECTION)
    fields |= {"weights_sha256": "0" * 64, "tolerance_max_abs": {}}
    Recorder(tmp_path).arrays("audio_proj", fields, {"audio_features": _normal(1, 4, 6)}, {})

    with pytest.raises(ValueError, match="the weights of audio_proj have the sum"):
        list(replay(tmp_path))


def test_a_kind_that_nothing_replays_does_not_hold(tmp_path: Path) -> None:
    Recorder(tmp_path).arrays("teleport", {"tolerance_max_abs": {}}, {}, {})

    (verdict,) = replay(tmp_path)

    assert not verdict.holds
    assert verdict.error == math.inf


def test_recorded_windows_are_reproduced(tmp_path: Path) -> None:
    tokens = torch.arange(1.0, 11)[None, :, None]
    windows = torch.zeros(1, 2, 11, 1)
    windows[0, 0, :3], windows[0, 1, :10] = tokens[0, :3], tokens[0]
    pair = {"key": "n10", "num_tokens": 10, "num_frames": 5, "expand_length": 1}
    outputs = {
        "n10.ranges": torch.tensor([[-7, 1], [1, 9]]),
        "n10.windows": windows,
        "n10.k_lens": torch.tensor([3, 10]),
    }
    fields = {"tolerance_max_abs": {"all": 0}, "pairs": [pair]}
    Recorder(tmp_path).arrays("windows", fields, {"n10.tokens": tokens}, outputs)

    assert all(verdict.holds for verdict in replay(tmp_path))


def test_recorded_steps_of_the_sampler_are_reproduced(tmp_path: Path) -> None:
    start, slope, drift = _normal(5, seed=1), _normal(5, seed=2), _normal(5, seed=3)
    sigmas = [5 * s / (1 + 4 * s) for s in (1.0, 0.5)]
    x = start
    for sigma, following in zip(sigmas, [sigmas[1], 0.0], strict=True):
        x = x + (slope * x + drift * sigma) * (following - sigma)
    outputs = {
        "s2.sigmas": torch.tensor(sigmas),
        "s2.timesteps": 1000 * torch.tensor(sigmas),
        "s2.x_end": x,
    }
    fields = {
        "tolerance_max_abs": {"sigmas": 1e-6, "timesteps": 1e-3, "x_end": 1e-5},
        "schedules": [{"key": "s2", "steps": 2, "shift": 5.0}],
    }
    Recorder(tmp_path).arrays("sampler", fields, {"s2.x0": start, "s2.c": slope, "s2.d": drift}, outputs)

    verdicts = _replayed(tmp_path)

    assert all(verdict.holds for verdict in verdicts.values())
    assert verdicts["s2.timesteps"].tolerance == 1e-3


def _heads(projected: Tensor) -> Tensor:
    return projected.unflatten(-1, (CONFIG["num_heads"], -1))  # type: ignore[no-any-return, no-untyped-call]


def _layer(weights: Mapping[str, Tensor], context: Tensor, audio: Tensor, lengths: list[int]) -> Tensor:
    """The cross-attention of the paper for two latent frames, a window and a head at a time."""

    def linear(name: str, x: Tensor) -> Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def rms(name: str, x: Tensor) -> Tensor:
        return x / (x.pow(2).mean(dim=-1, keepdim=True) + 1e-6).sqrt() * weights[f"{name}.weight"]

    name = "blocks.0.cross_attn"
    hidden, image, text = _normal(4, 24, seed=5), context[:-8], context[-8:]
    query = _heads(rms(f"{name}.norm_q", linear(f"{name}.q", hidden)))
    attended = attend_plainly(
        query, _heads(rms(f"{name}.norm_k", linear(f"{name}.k", text))), _heads(linear(f"{name}.v", text))
    )
    key = rms(f"{name}.norm_k_img", linear(f"{name}.k_img", image))
    attended = attended + attend_plainly(query, _heads(key), _heads(linear(f"{name}.v_img", image)))
    for frame, count in enumerate(lengths):
        heard = audio[frame, :count]
        key = heard @ weights[f"{name}.processor.k_proj.weight"].T
        value = heard @ weights[f"{name}.processor.v_proj.weight"].T
        mine = slice(2 * frame, 2 * frame + 2)
        attended[mine] += attend_plainly(query[mine], _heads(key), _heads(value))
    return linear(f"{name}.o", attended.flatten(1))


def test_a_recorded_layer_is_reproduced_whatever_lies_behind_its_windows(tmp_path: Path) -> None:
    name, dim = "blocks.0.cross_attn", 24
    shapes: dict[str, tuple[int, ...]] = {
        f"{name}.{m}.weight": (dim, dim) for m in "q k v o k_img v_img".split()
    }
    shapes |= {f"{name}.{m}.bias": (dim,) for m in "q k v o k_img v_img".split()}
    shapes |= {f"{name}.{m}.weight": (dim,) for m in ("norm_q", "norm_k", "norm_k_img")}
    shapes |= {f"{name}.processor.{m}_proj.weight": (dim, 10) for m in "kv"}
    weights, fields = weights_of(shapes)
    context, tokens = _normal(11, dim, seed=1), _normal(1, 10, 10, seed=2)
    windows = torch.zeros(1, 2, 17, 10)
    windows[0, 0, :6], windows[0, 1, :10] = tokens[0, :6], tokens[0]
    junk = windows.clone()
    junk[0, 0, 6:], junk[0, 1, 10:] = 50.0, -50.0
    outputs = {
        "audio_windows": windows,
        "k_lens": torch.tensor([[6, 10]]),
        "frame_level_scale0": _layer(weights, context, windows[0], [])[None],
        "frame_level_scale1": _layer(weights, context, windows[0], [6, 10])[None],
    }
    fields |= {
        "config": CONFIG,
        "tolerance_max_abs": {"all": 1e-5},
        "junk_padding_output": "frame_level_scale1",
    }
    once, none = outputs["frame_level_scale1"], outputs["frame_level_scale0"]
    outputs["frame_level_scale2"] = 2 * once - none
    outputs["clip_level_scale1"] = _layer(weights, context, tokens[0].expand(2, -1, -1), [10, 10])[None]
    inputs = {
        "hidden_states": _normal(4, dim, seed=5)[None],
        "context": context[None],
        "audio_tokens": tokens,
        "audio_windows_junk_padding": junk,
    }
    Recorder(tmp_path).arrays("attn", fields, inputs, outputs)

    verdicts = _replayed(tmp_path)

    assert len(verdicts) == 7
    assert all(verdict.holds for verdict in verdicts.values()), verdicts


def test_names_of_a_file_are_compared_tensor_by_tensor(tmp_path: Path) -> None:
    with torch.device("meta"):
        network = FantasyTalking(released(tiny()))
    published = {published_name(name): list(t.shape) for name, t in network.state_dict().items()}
    backbone = [n for n in network.backbone.state_dict() if ".processor." not in n]
    pairs = [[original_name(name), name, published[original_name(name)]] for name in backbone]
    pairs[0][2] = [1, 2, 3]
    recorded = dict(network.backbone.config)
    triples = [[name, shape, None] for name, shape in published.items() if is_audio(name)]
    table = {"i2v_14b": {"pairs": pairs, "diffusers_config": recorded}, "audio": {"triples": triples}}
    Recorder(tmp_path).table("names", table)

    verdicts = _replayed(tmp_path)

    assert verdicts["audio"].holds
    assert verdicts["diffusers names"].holds
    assert not verdicts["i2v_14b"].holds
    assert pairs[0][0] in verdicts["i2v_14b"].note
