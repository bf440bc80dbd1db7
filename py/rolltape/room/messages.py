"""The messages of a room: what is said, and who may say it to whom.

A message travels as a frame of JSON (`room/frames.py`, `room/wire.py`). `docs/protocol.md` is the protocol
on one page.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.wire import UploadOffer
from rolltape.core.notice import plain_text
from rolltape.recording.clock_log import ClockLog
from rolltape.recording.take import Take, TakeState
from rolltape.settings.order import Order

__all__ = [
    "ROUTES",
    "VERSION",
    "Answer",
    "Arrived",
    "Away",
    "Command",
    "CommandKind",
    "Description",
    "Door",
    "Going",
    "GuestState",
    "IceCandidate",
    "IceServer",
    "Joined",
    "Left",
    "Member",
    "Message",
    "Role",
    "Route",
    "SendRates",
    "Sender",
    "Signal",
    "StandingWarning",
    "TakeReport",
    "Welcome",
    "nameless",
    "room_key",
]

VERSION = 2
"""The protocol's version. A message of another version is refused with a sentence that says to reload."""


class Role(StrEnum):
    """Roles in a room."""

    DIRECTOR = "director"
    GUEST = "guest"


@dataclass(frozen=True)
class Sender:
    """Sender of a message, as the server knows them from their token; never taken from the message."""

    uid: str
    role: Role
    key_id: str
    """Fingerprint of the director's key that their token goes back to (`server/ownership.key_id`)."""


@dataclass(frozen=True)
class Member:
    """Somebody in the room, as the server tells all others."""

    uid: str
    """Letters, digits, hyphens, underscores, 64 at most."""
    role: Role
    label: str = ""
    invited: bool = True
    """True if they came by a link that the director's page gave out."""
    present: bool = True
    """False: the connection is gone, but their place is kept for them."""
    waiting: bool = False
    """Outside: came by the room's name alone, and no director has let them in yet. Only directors know of them."""


def nameless(uid: str) -> str:
    """Return a name for a guest who has given none; their files bear it too, or two would be alike."""
    return f"Guest {uid[:4]}"


@dataclass(frozen=True)
class IceServer:
    """A STUN or TURN server for the page's connections (WebRTC 1.0 section 4.2.3)."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = ""


@dataclass(frozen=True)
class Welcome:
    """The server's first word to each connection: who you are, and who is there."""

    uid: str
    """This page's own."""
    key_id: str
    """Fingerprint of the key that directs this room; empty while nobody has opened it."""
    members: tuple[Member, ...] = ()
    """Everybody who has a place in the room."""
    waiting: bool = False
    """True: outside. Nobody is told of, nothing is handed on; another welcome comes once a director lets them in."""
    invited_only: bool = False
    """True if the uninvited are turned away; only directors are told."""
    ice_servers: tuple[IceServer, ...] = ()
    """For who was let in without an invitation: in the place of those in the answer to their join. Else empty."""
    upload: UploadOffer | None = None
    """The same of what their page sends its takes with; None: the host keeps none of it, or that answer had it."""


@dataclass(frozen=True)
class Door:
    """A director says who may come into the room."""

    invited_only: bool
    """True: the uninvited are turned away. False: they wait outside."""


@dataclass(frozen=True)
class Joined:
    """Somebody has come, is back, is let in, or is known by another name: what they are now."""

    member: Member


@dataclass(frozen=True)
class Away:
    """Somebody's connection is gone; their place is kept for a while."""

    uid: str


@dataclass(frozen=True)
class Left:
    """Somebody is gone for good, or for so long that their place is free."""

    uid: str


class Going(StrEnum):
    """Reasons for a page's last message."""

    UNLOADED = "unloaded"
    """It is being closed or reloaded, or leads elsewhere."""
    HUNG_UP = "hung-up"
    """The guest left, with everything written."""


@dataclass(frozen=True)
class StandingWarning:
    """Something that is not as it should be on a guest's page, for as long as it is announced."""

    subject: str
    """What it is about: two of one subject do not hold at once."""
    text: str
    """A sentence."""


@dataclass(frozen=True)
class GuestState:
    """All that is true of a guest, by their own page's word.

    Their page announces the whole of it when it changes, each second while it records and every five otherwise;
    directors go by the last one, whatever came before.
    """

    label: str = ""
    state: TakeState = TakeState.IDLE
    can_record: bool = False
    """True if a recording could be started right now."""
    refusal: str = ""
    """Why not, in a sentence."""
    started_by: str = ""
    """`you` (the guest), or the director's name."""
    take_id: str = ""
    """Of the take being made, or the last one; empty before the first."""
    take_name: str = ""
    elapsed_ms: int = 0
    """Recorded, pauses left out."""
    bytes: int = 0
    """Safely written, over all parts."""
    parts: int = 0
    """Parts in which something is."""
    gap_ms: int = 0
    """What is missing between the parts, in sum."""
    mime_type: str = ""
    codec: str = ""
    """The same in words for people."""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    """Pictures a second that the recording really has while it runs, else what the camera gives."""
    kbps: float = 0.0
    """Bits a second over the last seconds, divided by 1000, that the recording really has."""
    asked_video_kbps: int | None = None
    """Asked of the recorder; None: no picture, or nothing was asked."""
    asked_audio_kbps: int | None = None
    level: int = 0
    """Of the sound, as a meter shows it, 0 to 100."""
    minutes_left: float | None = None
    """Minutes of recording that there is room for; None: not known."""
    battery: int | None = None
    """Per cent; None: no battery, or the browser does not tell."""
    charging: bool | None = None
    hidden: bool = False
    """True if the guest has another tab in front."""
    muted: bool = False
    """True if the guest sends no sound to the room; the recording is never muted."""
    clock_error_ms: int | None = None
    """By how many ms the room's clock may be wrong there; None: it is not known yet."""
    warning: str = ""
    """The last trouble that has happened, in a sentence."""
    failed: bool = False
    """True if that trouble ended the recording."""
    warnings_told: int = 0
    """How many such troubles there were on this page: the same sentence again is news."""
    standing: tuple[StandingWarning, ...] = ()
    """What is not as it should be right now; what is not there any more is over."""
    page: str = ""
    """Random id of the page that says it: one that was reloaded is another, and what the one before recorded has
    ended."""
    going: Going | None = None
    """If this is the page's last word: why."""


@dataclass(frozen=True)
class TakeReport:
    """A take that a guest made in this room, or as much of it as a message takes, for the director's session file."""

    take: Take
    all_parts: int = 0
    """Count of parts, in this report and others of the same take; 0: as many as are here."""
    all_pauses: int = 0
    """The same of its pauses."""
    clock: ClockLog | None = None
    """What its page noted of clocks, thinned; None: nothing, or it is in another report of the take."""


@dataclass(frozen=True)
class Arrived:
    """The host has more of its sender's take: told to directors, at most once a second while it is sent."""

    take: str
    """The take's id."""
    part: str
    """`part1` to `part9999`."""
    bytes: int
    """Bytes of the part that are there."""
    state: ArrivalState


class CommandKind(StrEnum):
    """Commands that a director may give a guest."""

    START = "start"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    RENAME = "rename"
    REMOVE = "remove"
    LET_IN = "let-in"
    """For the server: who waits is in from now on."""
    SEND_RATES = "send-rates"


@dataclass(frozen=True)
class SendRates:
    """Rates in kbps that a guest is asked to send at; None: as before."""

    video_kbps: int | None = None
    audio_kbps: int | None = None


@dataclass(frozen=True)
class Command:
    """A director asks one guest for something; the guest's page answers with the same id, if it is there."""

    to: str
    """The guest's uid."""
    id: str
    """Random."""
    kind: CommandKind
    by: str = ""
    """The director's name, shown to the guest."""
    order: Order | None = None
    """START: what to record; None: as the guest's own link says."""
    label: str = ""
    """RENAME: the new name."""
    rates: SendRates | None = None
    """SEND_RATES; None: as before."""


@dataclass(frozen=True)
class Answer:
    """A guest's page does what a command asked, or says why not. What came of it is told by its `GuestState`."""

    to: str
    """The director's uid."""
    id: str
    """The command's."""
    accepted: bool
    reason: str = ""
    """A sentence, where it is not accepted."""


@dataclass(frozen=True)
class Description:
    """An offer or answer for a connection (WebRTC 1.0 section 4.6)."""

    type: str
    """`offer`, `answer`, `pranswer` or `rollback`."""
    sdp: str


@dataclass(frozen=True)
class IceCandidate:
    """A way to reach somebody (WebRTC 1.0 section 4.8.1); an empty candidate ends the list."""

    candidate: str
    sdp_mid: str | None = None
    sdp_line: int | None = None


@dataclass(frozen=True)
class Signal:
    """One step of setting up a connection between two members: either a description or a candidate."""

    to: str
    """The other member's uid."""
    session: str = ""
    """Of the page that sends it: a page that was reloaded is another one, and so is its connection."""
    description: Description | None = None
    candidate: IceCandidate | None = None


Message: TypeAlias = (
    Welcome | Door | Joined | Away | Left | GuestState | TakeReport | Arrived | Command | Answer | Signal
)

KINDS: Mapping[str, type[Message]] = {
    "welcome": Welcome,
    "door": Door,
    "joined": Joined,
    "away": Away,
    "left": Left,
    "state": GuestState,
    "take": TakeReport,
    "arrived": Arrived,
    "command": Command,
    "answer": Answer,
    "signal": Signal,
}
"""The name of each message's event."""


@dataclass(frozen=True)
class Route:
    """Rule for a kind of message, held by the server: which role may send it, and whom it is handed to."""

    senders: frozenset[Role]
    receiver: Role | None
    """Whom it is for; None: whoever `to` names."""
    to_one: bool
    """Whether it goes to the one that `to` names; else to everybody of the receiver's role."""


_EVERYBODY = frozenset(Role)

ROUTES: Mapping[str, Route] = {
    "state": Route(frozenset({Role.GUEST}), Role.DIRECTOR, to_one=False),
    "take": Route(frozenset({Role.GUEST}), Role.DIRECTOR, to_one=False),
    "command": Route(frozenset({Role.DIRECTOR}), Role.GUEST, to_one=True),
    "answer": Route(frozenset({Role.GUEST}), Role.DIRECTOR, to_one=True),
    "door": Route(frozenset({Role.DIRECTOR}), Role.DIRECTOR, to_one=False),
    "signal": Route(_EVERYBODY, None, to_one=True),
}
"""What members may send, by the message's event; everything else is the server's own to say."""


def room_key(name: str) -> str:
    """Return the key of a room's name, the same for every spelling: “Studio ” and “studio” are one room."""
    return unicodedata.normalize("NFC", plain_text(name)).casefold()
