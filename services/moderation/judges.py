"""Who judges: a policy, and those who find faces and classify for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from services.kit.errors import Fatal
from services.moderation.adapters.faces import RigFaces
from services.moderation.domain import Policy
from services.moderation.policy import read_default_policy, read_policy
from services.moderation.ports import FaceFinder, PictureClassifier, TextClassifier
from services.moderation.settings import JudgeSettings

__all__ = ["Judges", "load_judges"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judges:
    """Everybody whom moderation asks. A classifier is there exactly when the policy has labels for it."""

    policy: Policy
    faces: FaceFinder
    pictures: PictureClassifier | None = None
    texts: TextClassifier | None = None


def load_judges(settings: JudgeSettings) -> Judges:
    """The judges of these settings; loads weights, so call it in a thread.

    Raises Fatal when the policy and the classifiers do not fit each other: a limit that nobody
    measures, or a classifier that nobody limits, would let things through unseen.
    """
    policy = read_default_policy() if settings.policy is None else read_policy(settings.policy)
    if bool(policy.portrait.labels) != (settings.picture_classifier is not None):
        raise Fatal(f"policy {policy}: portrait.labels and the setting picture_classifier need each other")
    if bool(policy.text.labels) != (settings.text_classifier is not None):
        raise Fatal(f"policy {policy}: text.labels and the setting text_classifier need each other")
    return Judges(
        policy=policy,
        faces=RigFaces(),
        pictures=_load_pictures(settings, policy),
        texts=_load_texts(settings, policy),
    )


def _load_pictures(settings: JudgeSettings, policy: Policy) -> PictureClassifier | None:
    if settings.picture_classifier is None:
        return None
    from services.moderation.adapters.pictures import TransformersPictureClassifier  # torch, only if wanted

    classifier = TransformersPictureClassifier(settings.picture_classifier)
    _check_labels(policy.portrait.labels, classifier.labels)
    return classifier


def _load_texts(settings: JudgeSettings, policy: Policy) -> TextClassifier | None:
    if settings.text_classifier is None:
        return None
    from services.moderation.adapters.texts import TransformersTextClassifier  # torch, only if wanted

    classifier = TransformersTextClassifier(settings.text_classifier)
    _check_labels(policy.text.labels, classifier.labels)
    return classifier


def _check_labels(wanted: Mapping[str, float], known: Collection[str]) -> None:
    for label in wanted:
        if label not in known:
            raise Fatal(f"the policy limits the label {label!r}, the classifier knows {sorted(known)}")
