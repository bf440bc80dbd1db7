"""The messages of a room: what is said, who may say it to whom, and the one reader that checks it on both sides.

A message travels as an event of its own name with one JSON text. Whoever receives one calls `decode`, on the
server and again on the page; fields that are not known are left aside, so that a newer page may say more. The
server adds who sent it: what a message itself says of its sender counts for nothing. `docs/protocol.md` is the
protocol on one page.

>>> decode("away", encode(Away("ada")))
Away(uid='ada')
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from rolltape.bitrate import RecordMode, parse_bitrate, record_value
from rolltape.codec import CodecWish, VideoCodec
from rolltape.errors import RolltapeError
from rolltape.fields import Fields
from rolltape.notice import Notice, plain_text
from rolltape.order import Order
from rolltape.take import Take, TakeState

__all__ = [
    "MAX_MESSAGE",
    "ROUTES",
    "VERSION",
    "Answer",
    "Away",
    "BadMessage",
    "Candidate",
    "Command",
    "CommandKind",
    "Description",
    "GuestState",
    "Joined",
    "Left",
    "Member",
    "Message",
    "Role",
    "Route",
    "SendRates",
    "Sender",
    "Signal",
    "TakeReport",
    "Welcome",
    "decode",
    "encode",
    "kind_of",
    "nameless",
    "room_key",
    "sender_of",
]

VERSION = 1
"""Of the protocol. A message of another version is refused with a sentence that says to reload."""

MAX_MESSAGE = 40_000
"""Characters. A description of a connection, the largest message, has some ten thousand."""

MAX_SDP = 30_000
MAX_NAME = 80
MAX_SENTENCE = 500
MAX_TYPE = 120
MAX_MEMBERS = 500
_UID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class BadMessage(RolltapeError):
    """A message that is not what the protocol says; the sentence says what is wrong."""


class Role(StrEnum):
    """What somebody is in a room."""

    DIRECTOR = "director"
    GUEST = "guest"


@dataclass(frozen=True)
class Sender:
    """Who sent a message, as the server knows from their token."""

    uid: str
    role: Role
    key_id: str
    """Which director's key their token goes back to."""


@dataclass(frozen=True)
class Member:
    """Somebody in the room."""

    uid: str
    role: Role
    label: str = ""
    invited: bool = True
    """Whether they came by a link that the director's page gave out."""
    present: bool = True
    """False: the connection is gone, but they may be back."""


def nameless(uid: str) -> str:
    """What to call a guest who has given no name; their files are named so as well, or two would be alike."""
    return f"Guest {uid[:4]}"


@dataclass(frozen=True)
class Welcome:
    """The server's first word to each connection: who you are, and who is there."""

    uid: str
    key_id: str
    """The key that directs this room; empty while nobody has opened it."""
    members: tuple[Member, ...] = ()


@dataclass(frozen=True)
class Joined:
    """Somebody has come, is back, or is known by another name."""

    member: Member


@dataclass(frozen=True)
class Away:
    """Somebody's connection is gone; they may be back."""

    uid: str


@dataclass(frozen=True)
class Left:
    """Somebody is gone for good, or for so long that nobody waits."""

    uid: str


@dataclass(frozen=True)
class GuestState:
    """All that is true of a guest, from their own page: announced when it changes, each second while recording."""

    label: str = ""
    state: TakeState = TakeState.IDLE
    can_record: bool = False
    """Whether a recording could be started right now."""
    refusal: str = ""
    """Why not, in a sentence."""
    started_by: str = ""
    take_id: str = ""
    take_name: str = ""
    elapsed_ms: int = 0
    bytes: int = 0
    """Safely written."""
    parts: int = 0
    gap_ms: int = 0
    """What is missing between the parts."""
    mime_type: str = ""
    codec: str = ""
    """The same in words."""
    width: int = 0
    height: int = 0
    fps: float = 0.0
    """What the recording really has while it runs, else what the camera gives."""
    kbps: float = 0.0
    """What the recording really has."""
    asked_video_kbps: int | None = None
    asked_audio_kbps: int | None = None
    level: int = 0
    """Of the sound, 0 to 100."""
    minutes_left: float | None = None
    """For how long there is room; None: not known."""
    battery: int | None = None
    """Per cent; None: no battery, or the browser does not tell."""
    charging: bool | None = None
    hidden: bool = False
    """Whether the guest has another tab in front."""
    muted: bool = False
    """Towards the room; the recording is never muted."""
    clock_error_ms: int | None = None
    """How well the room's clock is known there; None: not yet."""
    warning: str = ""
    """The last trouble, in a sentence."""
    failed: bool = False
    """Whether that trouble ended the recording."""


@dataclass(frozen=True)
class TakeReport:
    """A take that a guest made in this room, whole, for the director's session file."""

    take: Take


class CommandKind(StrEnum):
    """What a director may ask of a guest."""

    START = "start"
    STOP = "stop"
    PAUSE = "pause"
    RESUME = "resume"
    RENAME = "rename"
    REMOVE = "remove"
    SEND_RATES = "send-rates"


@dataclass(frozen=True)
class SendRates:
    """What a guest is asked to send at; None: as it was before."""

    video_kbps: int | None = None
    audio_kbps: int | None = None


@dataclass(frozen=True)
class Command:
    """A director asks one guest for something; the guest answers with the same id."""

    to: str
    id: str
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
    """A guest has done what a command asked, or says why not."""

    to: str
    id: str
    accepted: bool
    reason: str = ""


@dataclass(frozen=True)
class Description:
    """An offer or answer for a connection (WebRTC 1.0 section 4.6)."""

    type: str
    sdp: str


@dataclass(frozen=True)
class Candidate:
    """A way to reach somebody (WebRTC 1.0 section 4.8.1); an empty candidate ends the list."""

    candidate: str
    sdp_mid: str | None = None
    sdp_line: int | None = None


@dataclass(frozen=True)
class Signal:
    """One step of setting up a connection between two members."""

    to: str
    session: str = ""
    """Of the page that sends it: a page that was reloaded is another one, and so is its connection."""
    description: Description | None = None
    candidate: Candidate | None = None


Message: TypeAlias = Welcome | Joined | Away | Left | GuestState | TakeReport | Command | Answer | Signal

KINDS: Mapping[str, type[Message]] = {
    "welcome": Welcome,
    "joined": Joined,
    "away": Away,
    "left": Left,
    "state": GuestState,
    "take": TakeReport,
    "command": Command,
    "answer": Answer,
    "signal": Signal,
}
"""The name of each message's event."""

_NAMES = {type_: name for name, type_ in KINDS.items()}


@dataclass(frozen=True)
class Route:
    """Who may send a message, and where the server hands it on."""

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
    "signal": Route(_EVERYBODY, None, to_one=True),
}
"""What members may send; everything else is the server's own."""


def kind_of(message: Message) -> str:
    """The name of a message's event."""
    return _NAMES[type(message)]


def encode(message: Message, sender: Sender | None = None) -> str:
    """Write a message, and as the server its sender, as JSON; what is None is left out."""
    plain: dict[str, Any] = {"v": VERSION, **_plain(message)}
    if sender is not None:
        plain["from"] = vars(sender)
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def decode(kind: str, text: object) -> Message:
    """Read a message. Raises BadMessage, with a sentence for whoever sent it."""
    read = _READERS.get(kind)
    if read is None:
        raise BadMessage("There is no such message.", kind[:MAX_NAME])
    try:
        return read(_fields(text))
    except ValueError as error:
        raise BadMessage(f"The message “{kind}” is not right: {error}.") from None


def sender_of(text: str) -> Sender:
    """Who sent a message that the server handed on. Raises BadMessage."""
    try:
        sender = _fields(text).inner("from")
        return Sender(_uid(sender, "uid"), sender.member("role", Role), sender.text("key_id", "", 64))
    except ValueError as error:
        raise BadMessage(f"The message does not say who sent it: {error}.") from None


def room_key(name: str) -> str:
    """What two spellings of a room's name have in common: “Studio ” and “studio” are one room."""
    return unicodedata.normalize("NFC", plain_text(name)).casefold()


def _fields(text: object) -> Fields:
    if not isinstance(text, str):
        raise ValueError("it is not a text")
    if len(text) > MAX_MESSAGE:
        raise ValueError(f"it is longer than {MAX_MESSAGE} characters")
    found = Fields.from_json(text)
    if found.whole("v") != VERSION:
        raise ValueError("it is of another version; reload the page")
    return found


def _plain(message: Message) -> dict[str, Any]:
    if isinstance(message, TakeReport):
        return {"take": message.take.to_plain()}
    plain = {name: value for name, value in vars(message).items() if value is not None}
    if isinstance(message, Command) and message.order is not None:
        plain["order"] = _plain_order(message.order)
    return {name: value if type(value) in _SIMPLE else _as_json(value) for name, value in plain.items()}


_SIMPLE = frozenset({str, int, float, bool})


def _as_json(value: Any) -> Any:
    """Dataclasses inside a message as objects, without what is None."""
    if isinstance(value, tuple):
        return [_as_json(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: one for name, one in asdict(value).items() if one is not None}
    return value


def _plain_order(order: Order) -> dict[str, Any]:
    """An order as a link would write it."""
    plain: dict[str, Any] = {"record": record_value(order.wish) or ""}
    if order.codec.video is not None:
        plain["codec"] = order.codec.video
    if order.codec.mp4:
        plain["mp4"] = True
    if order.codec.pcm:
        plain["pcm"] = True
    if order.audio_bitrate_kbps is not None:
        plain["audio_kbps"] = order.audio_bitrate_kbps
    return plain


def _order(found: Fields) -> Order:
    wish = parse_bitrate(found.text("record", limit=20))
    if isinstance(wish, Notice):
        raise ValueError(f"record is not a bitrate in kbps, {wish.text}")
    codec = found.text_or_none("codec")
    video = None if codec is None or wish.is_audio_only else VideoCodec(codec)
    pcm = wish.mode is RecordMode.AUDIO_PCM or (found.flag("pcm", False) and not wish.is_audio_only)
    return Order(
        wish,
        CodecWish(video, found.flag("mp4", False), pcm),
        found.whole_or_none("audio_kbps", 1, 10_000),
    )


def _uid(found: Fields, name: str) -> str:
    uid = found.text(name)
    if not _UID.fullmatch(uid):
        raise ValueError(f"{name} is not an id")
    return uid


def _line(found: Fields, name: str, limit: int = MAX_NAME) -> str:
    """A text for people: one line, without what cannot be seen."""
    return plain_text(found.text(name, "", limit))


def _member(found: Fields) -> Member:
    return Member(
        _uid(found, "uid"),
        found.member("role", Role),
        _line(found, "label"),
        found.flag("invited", True),
        found.flag("present", True),
    )


def _welcome(found: Fields) -> Welcome:
    members = tuple(_member(one) for one in found.rows("members", MAX_MEMBERS))
    return Welcome(_uid(found, "uid"), found.text("key_id", "", 64), members)


def _state(found: Fields) -> GuestState:
    return GuestState(
        label=_line(found, "label"),
        state=found.member("state", TakeState, TakeState.IDLE),
        can_record=found.flag("can_record", False),
        refusal=_line(found, "refusal", MAX_SENTENCE),
        started_by=_line(found, "started_by"),
        take_id=found.text("take_id", "", MAX_NAME),
        take_name=_line(found, "take_name", 300),
        elapsed_ms=found.whole("elapsed_ms", 0),
        bytes=found.whole("bytes", 0),
        parts=found.whole("parts", 0),
        gap_ms=found.whole("gap_ms", 0),
        mime_type=found.text("mime_type", "", MAX_TYPE),
        codec=_line(found, "codec", MAX_TYPE),
        width=found.whole("width", 0, high=100_000),
        height=found.whole("height", 0, high=100_000),
        fps=found.number("fps", 0.0),
        kbps=found.number("kbps", 0.0),
        asked_video_kbps=found.whole_or_none("asked_video_kbps"),
        asked_audio_kbps=found.whole_or_none("asked_audio_kbps"),
        level=found.whole("level", 0, high=100),
        minutes_left=found.number_or_none("minutes_left"),
        battery=found.whole_or_none("battery", high=100),
        charging=found.flag_or_none("charging"),
        hidden=found.flag("hidden", False),
        muted=found.flag("muted", False),
        clock_error_ms=found.whole_or_none("clock_error_ms"),
        warning=_line(found, "warning", MAX_SENTENCE),
        failed=found.flag("failed", False),
    )


def _command(found: Fields) -> Command:
    order, rates = found.inner_or_none("order"), found.inner_or_none("rates")
    return Command(
        _uid(found, "to"),
        _uid(found, "id"),
        found.member("kind", CommandKind),
        _line(found, "by"),
        None if order is None else _order(order),
        _line(found, "label"),
        None if rates is None else _rates(rates),
    )


def _rates(found: Fields) -> SendRates:
    return SendRates(
        found.whole_or_none("video_kbps", 1, 1_000_000), found.whole_or_none("audio_kbps", 1, 10_000)
    )


def _answer(found: Fields) -> Answer:
    return Answer(
        _uid(found, "to"), _uid(found, "id"), found.flag("accepted"), _line(found, "reason", MAX_SENTENCE)
    )


def _signal(found: Fields) -> Signal:
    description, candidate = found.inner_or_none("description"), found.inner_or_none("candidate")
    if (description is None) is (candidate is None):
        raise ValueError("it has to have either a description or a candidate")
    return Signal(
        _uid(found, "to"),
        found.text("session", "", 64),
        None if description is None else _description(description),
        None if candidate is None else _candidate(candidate),
    )


def _description(found: Fields) -> Description:
    type_ = found.text("type")
    if type_ not in ("offer", "answer", "pranswer", "rollback"):
        raise ValueError("type is not one of a description")
    return Description(type_, found.text("sdp", "", MAX_SDP))


def _candidate(found: Fields) -> Candidate:
    return Candidate(
        found.text("candidate", limit=1000),
        found.text_or_none("sdp_mid", 64),
        found.whole_or_none("sdp_line", high=1000),
    )


_READERS: Mapping[str, Callable[[Fields], Message]] = {
    "welcome": _welcome,
    "joined": lambda found: Joined(_member(found.inner("member"))),
    "away": lambda found: Away(_uid(found, "uid")),
    "left": lambda found: Left(_uid(found, "uid")),
    "state": _state,
    "take": lambda found: TakeReport(Take.from_fields(found.inner("take"))),
    "command": _command,
    "answer": _answer,
    "signal": _signal,
}
