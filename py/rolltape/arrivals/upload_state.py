"""The life of an upload, a take's way from the journal to the host: its states, and what leads to another."""

from __future__ import annotations

from enum import StrEnum

from rolltape.core.life_cycle import Transitions, following_state, state_diagram

__all__ = ["TRANSITIONS", "UploadEvent", "UploadState", "advance", "diagram"]


class UploadState(StrEnum):
    """States of an upload; the value is its `data-state`, where `PROVING` is still `closing`."""

    OFF = "off"
    """Nobody keeps takes, or nobody agreed to have this one sent."""
    SENDING = "sending"
    """Its recording may still go on."""
    WAITING = "waiting"
    """No line, no room at the host, signed out, or told to come later; it goes on by itself."""
    PAUSED = "paused"
    CLOSING = "closing"
    """The recording is over: the rest and the header are on their way."""
    PROVING = "proving"
    """All of it is there; host and page compare."""
    ARRIVED = "arrived"
    """The host has said that its file is byte for byte the one here."""
    REFUSED = "refused"
    """The host, or this page, will not go on with it; somebody may agree anew."""
    WITHDRAWN = "withdrawn"
    """The host has deleted it, or never had it; it is not sent again."""


class UploadEvent(StrEnum):
    """Events in the life of an upload."""

    AGREED = "agreed"
    HINDERED = "hindered"
    CLEARED = "cleared"
    """What hindered it is gone."""
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "recording ended"
    ALL_SENT = "all sent"
    DIFFERENT = "different"
    """Host and page hold different bytes somewhere: they are sent again."""
    PROVEN = "proven"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


_ANYWHERE = {
    UploadEvent.REFUSED: UploadState.REFUSED,
    UploadEvent.WITHDRAWN: UploadState.WITHDRAWN,
}

TRANSITIONS: Transitions[UploadState, UploadEvent] = {
    UploadState.OFF: {
        UploadEvent.AGREED: UploadState.SENDING,
        UploadEvent.WITHDRAWN: UploadState.WITHDRAWN,
    },
    UploadState.SENDING: {
        UploadEvent.HINDERED: UploadState.WAITING,
        UploadEvent.PAUSED: UploadState.PAUSED,
        UploadEvent.ENDED: UploadState.CLOSING,
        **_ANYWHERE,
    },
    UploadState.WAITING: {
        UploadEvent.HINDERED: UploadState.WAITING,
        UploadEvent.CLEARED: UploadState.SENDING,
        UploadEvent.PAUSED: UploadState.PAUSED,
        **_ANYWHERE,
    },
    UploadState.PAUSED: {
        UploadEvent.RESUMED: UploadState.SENDING,
        **_ANYWHERE,
    },
    UploadState.CLOSING: {
        UploadEvent.HINDERED: UploadState.WAITING,
        UploadEvent.PAUSED: UploadState.PAUSED,
        UploadEvent.ALL_SENT: UploadState.PROVING,
        **_ANYWHERE,
    },
    UploadState.PROVING: {
        UploadEvent.HINDERED: UploadState.WAITING,
        UploadEvent.PAUSED: UploadState.PAUSED,
        UploadEvent.DIFFERENT: UploadState.CLOSING,
        UploadEvent.PROVEN: UploadState.ARRIVED,
        **_ANYWHERE,
    },
    UploadState.ARRIVED: {UploadEvent.WITHDRAWN: UploadState.WITHDRAWN},
    UploadState.REFUSED: {
        UploadEvent.AGREED: UploadState.SENDING,
        UploadEvent.WITHDRAWN: UploadState.WITHDRAWN,
    },
    UploadState.WITHDRAWN: {},
}
"""After a hindrance or a pause it sends again, and is closing again if the recording has ended meanwhile."""


def advance(state: UploadState, event: UploadEvent) -> UploadState:
    """Return the state of an upload after an event. Raises WrongMoment where TRANSITIONS has none."""
    return following_state("upload", TRANSITIONS, state, event)


def diagram() -> str:
    """Draw the life of an upload as Mermaid text."""
    return state_diagram(UploadState.OFF, TRANSITIONS)
