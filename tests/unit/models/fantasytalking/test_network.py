from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from models.fantasytalking.config import tiny
from models.fantasytalking.network import FantasyTalking, sinusoid
from models.fantasytalking.windows import clip_window
from tests.unit.models.fantasytalking.scenes import make_network, make_scene, released


def test_the_network_without_speech_is_diffusers_transformer() -> None:
    # Diffusers takes 512 embeddings for the text, whatever the config.
    scene = make_scene(released(replace(tiny(), backbone=replace(tiny().backbone, text_length=512))))
    backbone = scene.network.backbone
    twin = type(backbone).from_config(backbone.config).eval()
    twin.load_state_dict({n: t for n, t in backbone.state_dict().items() if ".processor." not in n})

    velocity = scene.velocity(scene.context())

    expected = twin(scene.latents, scene.timestep, scene.text, scene.image).sample
    torch.testing.assert_close(velocity, expected, atol=2e-5, rtol=0)


def test_speech_of_scale_zero_is_the_branch_left_out() -> None:
    scene = make_scene()

    muted = scene.velocity(scene.speaking()._replace(speech_scale=0.0))

    assert torch.equal(muted, scene.velocity(scene.context()))


def test_speech_moves_only_the_frames_that_hear_it_first() -> None:
    scene = make_scene(released(tiny()))
    other = scene._replace(tokens=torch.cat((scene.tokens[:, :-1], -scene.tokens[:, -1:]), dim=1))
    one, two = scene.speaking().speech, other.speaking().speech
    assert one is not None
    assert two is not None

    differs = [not torch.equal(one[0].key[:, frame], two[0].key[:, frame]) for frame in range(3)]

    assert differs == [False, False, True]


def test_a_whole_clip_is_heard_by_every_frame() -> None:
    scene = make_scene()
    speech = scene.network.read_speech(clip_window(scene.tokens))
    other = scene.network.read_speech(clip_window(-scene.tokens))

    velocity = scene.velocity(scene.context()._replace(speech=speech))
    different = scene.velocity(scene.context()._replace(speech=other))

    assert ((velocity - different).abs().amax(dim=(0, 1, 3, 4)) > 1e-3).all()


def test_a_batch_is_its_samples() -> None:
    scene, other = make_scene(seed=3), make_scene(seed=4)
    both = scene._replace(
        latents=torch.cat((scene.latents, other.latents)),
        timestep=torch.tensor([700.0, 150.0]),
        tokens=torch.cat((scene.tokens, other.tokens)),
        text=torch.cat((scene.text, other.text)),
        image=torch.cat((scene.image, other.image)),
    )
    second = other._replace(network=scene.network, timestep=torch.tensor([150.0]))

    velocity = both.velocity(both.speaking())

    torch.testing.assert_close(velocity[:1], scene.velocity(scene.speaking()))
    torch.testing.assert_close(velocity[1:], second.velocity(second.speaking()))


def test_untrained_branches_leave_the_release_bit_for_bit() -> None:
    scene = make_scene(released(tiny()))
    torch.manual_seed(0)
    whole = FantasyTalking(tiny()).eval()
    whole.load_state_dict(scene.network.state_dict(), strict=False)
    looking = scene._replace(network=whole)
    face = torch.randn(1, tiny().identity.face_dim)  # type: ignore[union-attr]  # tiny has every branch
    intensity = whole.read_intensity(torch.tensor([0.3]), torch.tensor([0.9]))

    context = looking.speaking()._replace(identity=whole.read_face(face), intensity=intensity)

    assert torch.equal(looking.velocity(context), scene.velocity(scene.speaking()))


def test_a_trained_identity_changes_the_velocity() -> None:
    scene = make_scene()
    face = torch.randn(2, 1, 8, generator=torch.Generator().manual_seed(5))

    first = scene.velocity(scene.context()._replace(identity=scene.network.read_face(face[0])))
    second = scene.velocity(scene.context()._replace(identity=scene.network.read_face(face[1])))

    assert (first - second).abs().amax() > 1e-3


def test_trained_intensities_of_face_and_body_act_apart() -> None:
    network = make_network(tiny())
    low, high = torch.tensor([0.1]), torch.tensor([0.9])

    face = network.read_intensity(high, low) - network.read_intensity(low, low)
    body = network.read_intensity(low, high) - network.read_intensity(low, low)

    assert face.abs().amax() > 1e-4
    assert (face - body).abs().amax() > 1e-4


def test_an_intensity_out_of_range_is_refused() -> None:
    network = make_network(tiny())

    with pytest.raises(ValueError, match="expected body intensities from 0 to 1, got"):
        network.read_intensity(torch.tensor([0.5]), torch.tensor([1.5]))


def test_branches_that_are_not_configured_are_refused() -> None:
    network = make_network(released(tiny()))

    with pytest.raises(ValueError, match="no identity branch"):
        network.read_face(torch.zeros(1, 8))
    with pytest.raises(ValueError, match="no motion-intensity network"):
        network.read_intensity(torch.tensor([0.5]), torch.tensor([0.5]))


def test_text_that_is_not_padded_is_refused() -> None:
    scene = make_scene()

    with pytest.raises(ValueError, match="expected 8 text embeddings, padded with zeros, got 7"):
        scene.network.read_text(scene.text[:, :7])


def test_latents_that_do_not_divide_into_patches_are_refused() -> None:
    scene = make_scene()

    with pytest.raises(ValueError, match="do not divide into patches"):
        scene.network(scene.latents[..., :3], scene.timestep, scene.context())


def test_gradients_reach_the_values_of_an_untrained_identity() -> None:
    scene = make_scene()
    processor = scene.network.backbone.blocks[0].attn2.processor
    weight = processor.identity.v_proj.weight.zero_().requires_grad_()

    seen = scene.context()._replace(identity=scene.network.read_face(torch.ones(1, 8)))

    (gradient,) = torch.autograd.grad(scene.velocity(seen).sum(), weight)

    assert gradient.abs().sum() > 0


def test_cosines_come_before_sines() -> None:
    waves = sinusoid(torch.tensor([0.0]), 6)

    assert waves.tolist() == [[1, 1, 1, 0, 0, 0]]
