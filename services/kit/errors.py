"""The error tree of the services: the class of an error is the decision about what happens next."""

from __future__ import annotations

__all__ = [
    "BadInput",
    "BadMessage",
    "BlobMissing",
    "DeviceLost",
    "DramatisError",
    "Fatal",
    "Overloaded",
    "PolicyViolation",
    "Rejected",
    "Retryable",
    "SessionLost",
    "Stale",
    "Unavailable",
]


class DramatisError(Exception):
    """Any failure the platform foresees.

    DramatisError
        Retryable       the same message again, after a backoff
            Overloaded
            Unavailable
        Rejected        this message will never succeed: set it aside and go on
            BadInput        a file or an option of the user cannot be used
            BadMessage
            BlobMissing     a blob that a message names is not there
            PolicyViolation
            SessionLost
        Stale           too late to matter: count it and go on
        Fatal           this process cannot go on
            DeviceLost

    The text is one line that says what was found and what was expected. Anything that is not a
    DramatisError is a bug and ends the process.
    """


class Retryable(DramatisError):
    """The same message may succeed later."""


class Overloaded(Retryable):
    """A bounded queue or a quota is full."""


class Unavailable(Retryable):
    """Something this process depends on does not answer."""


class Rejected(DramatisError):
    """The message can never succeed."""


class BadInput(Rejected):
    """The user's file or option cannot be used; the command answers with one line and exit code 2."""


class BadMessage(Rejected):
    """The message breaks its contract."""


class BlobMissing(Rejected):
    """The blob store has no such key."""


class PolicyViolation(Rejected):
    """Moderation refused the content."""


class SessionLost(Rejected):
    """The session's state is gone and cannot be rebuilt."""


class Stale(DramatisError):
    """The message belongs to an epoch or an instant that has passed."""


class Fatal(DramatisError):
    """The process cannot serve any further message."""


class DeviceLost(Fatal):
    """The accelerator stopped answering."""
