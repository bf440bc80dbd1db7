"""The messages of a room as JSON text: one writer, and one reader that checks on both sides.

Whoever receives one calls `decode`, on the server and again on the page; fields that are not known are left aside,
so that a newer page may say more. The server adds who sent a message; what a message says of its sender itself
counts for nothing.

>>> decode("away", encode(Away("ada")))
Away(uid='ada')
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from rolltape.arrivals.listing import ArrivalState
from rolltape.arrivals.paths import is_part, is_take
from rolltape.arrivals.wire import UploadOffer
from rolltape.core.errors import RolltapeError
from rolltape.core.json_fields import Fields, well_formed
from rolltape.core.notice import Notice, one_line
from rolltape.recording.take import TakeState
from rolltape.recording.take_log import plain_take
from rolltape.room.messages import (
    KINDS,
    VERSION,
    Answer,
    Arrived,
    Away,
    Command,
    CommandKind,
    Description,
    Door,
    Going,
    GuestState,
    IceCandidate,
    IceServer,
    Joined,
    Left,
    Member,
    Message,
    Role,
    Sender,
    SendRates,
    Signal,
    StandingWarning,
    TakeReport,
    Welcome,
)
from rolltape.room.report import read_clock, read_report
from rolltape.settings.bitrate import RecordMode, parse_bitrate, record_value
from rolltape.settings.codec import CodecWish, VideoCodec
from rolltape.settings.order import Order

__all__ = [
    "MAX_MESSAGE",
    "MAX_NAME",
    "MAX_SENTENCE",
    "MAX_STANDING",
    "BadMessage",
    "decode",
    "encode",
    "ice_servers_of",
    "kind_of",
    "plain_json",
    "sender_of",
    "with_sender",
]

MAX_MESSAGE = 40_000
"""Characters of a message at most. A description of a connection, the largest message, has some ten thousand."""

MAX_SDP = 30_000
MAX_NAME = 80
MAX_SENTENCE = 500
MAX_TYPE = 120
MAX_MEMBERS = 500
MAX_ICE_SERVERS = 20
MAX_STANDING = 20
"""Warnings of one guest that hold at once."""
MAX_SUBJECT = 40
_UID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class BadMessage(RolltapeError):
    """A message that is not what the protocol says; the sentence says what is wrong."""


_NAMES = {type_: name for name, type_ in KINDS.items()}


def kind_of(message: Message) -> str:
    """Return the name of a message's event, as `decode` takes it."""
    return _NAMES[type(message)]


def encode(message: Message, sender: Sender | None = None) -> str:
    """Write a message as JSON that UTF-8 can encode, without the fields that are None; the server names the sender.

    That it is no longer than MAX_MESSAGE is the caller's to see to: a longer one is refused by `decode`.
    """
    plain: dict[str, Any] = {"v": VERSION, **_plain(message)}
    text = plain_json(plain)
    return text if sender is None else with_sender(text, sender)


def with_sender(text: str, sender: Sender) -> str:
    """Return a message, a JSON object with a field or more, with the server's word on who sent it.

    The text is not read again. `from` is its last one, which is the one that counts for every reader of JSON here
    (ECMA-262, JSON.parse; Python).
    """
    return f'{text.rstrip()[:-1]},"from":{plain_json(vars(sender))}}}'


_WRITER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def plain_json(plain: Mapping[str, Any]) -> str:
    """Write JSON as messages have it: compact, and such that UTF-8 can encode it."""
    return well_formed(_WRITER.encode(plain))


def decode(kind: str, text: object) -> Message:
    """Read a message; `kind` is its event. Raises BadMessage, with a sentence for whoever sent it.

    What is returned is bounded and can be shown and written again: texts are single lines of limited length, numbers
    finite and within limits. That its sender may say it is not looked at (`messages.ROUTES`).
    """
    read = _READERS.get(kind)
    if read is None:
        raise BadMessage("There is no such message.", kind[:MAX_NAME])
    try:
        return read(_fields(text))
    except ValueError as error:
        raise BadMessage(f"The message “{kind}” is not right: {error}.") from None


def sender_of(text: str) -> Sender:
    """Return the sender of a message that the server handed on. Raises BadMessage if it names none."""
    try:
        sender = _fields(text).inner("from")
        return Sender(_uid(sender, "uid"), sender.member("role", Role), sender.text("key_id", "", 64))
    except ValueError as error:
        raise BadMessage(f"The message does not say who sent it: {error}.") from None


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
        rest = {"all_parts": message.all_parts, "all_pauses": message.all_pauses}
        clock = {} if message.clock is None else {"clock": message.clock.to_plain()}
        counts = {name: count for name, count in rest.items() if count}
        return {"take": plain_take(message.take), **counts, **clock}
    plain = {name: value for name, value in vars(message).items() if value is not None}
    if isinstance(message, Command) and message.order is not None:
        plain["order"] = _plain_order(message.order)
    if isinstance(message, Welcome) and message.upload is not None:
        plain["upload"] = message.upload.to_plain()
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
    return one_line(found.text(name, "", MAX_MESSAGE), limit)


def _member(found: Fields) -> Member:
    return Member(
        _uid(found, "uid"),
        found.member("role", Role),
        _line(found, "label"),
        found.flag("invited", True),
        found.flag("present", True),
        found.flag("waiting", False),
    )


def _welcome(found: Fields) -> Welcome:
    members = tuple(_members(found.rows("members", MAX_MEMBERS)))
    offered = found.inner_or_none("upload")
    return Welcome(
        _uid(found, "uid"),
        found.text("key_id", "", 64),
        members,
        found.flag("waiting", False),
        found.flag("invited_only", False),
        ice_servers_of(found),
        None if offered is None else UploadOffer.from_fields(offered),
    )


def ice_servers_of(found: Fields) -> tuple[IceServer, ...]:
    """The ICE servers of a welcome, or of the answer to a join. Raises ValueError."""
    return tuple(
        IceServer(tuple(one.texts("urls")), one.text("username", ""), one.text("credential", ""))
        for one in found.rows("ice_servers", MAX_ICE_SERVERS)
    )


def _members(rows: Iterable[Fields]) -> Iterable[Member]:
    """Those who are right: one that is not must keep nobody from the others."""
    for one in rows:
        try:
            yield _member(one)
        except ValueError:
            continue


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
        warnings_told=found.whole("warnings_told", 0),
        standing=tuple(map(_standing, found.rows("standing", MAX_STANDING))),
        page=found.text("page", "", 64),
        going=None if found.text_or_none("going") is None else found.member("going", Going),
    )


def _standing(found: Fields) -> StandingWarning:
    subject = found.text("subject", limit=MAX_SUBJECT)
    if not _UID.fullmatch(subject):
        raise ValueError("subject has other characters than letters, digits and hyphens")
    return StandingWarning(subject, _line(found, "text", MAX_SENTENCE))


def _arrived(found: Fields) -> Arrived:
    take, part = found.text("take"), found.text("part")
    if not is_take(take) or not is_part(part):
        raise ValueError("it names no part of a take")
    return Arrived(take, part, found.whole("bytes"), found.member("state", ArrivalState))


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


def _candidate(found: Fields) -> IceCandidate:
    return IceCandidate(
        found.text("candidate", limit=1000),
        found.text_or_none("sdp_mid", 64),
        found.whole_or_none("sdp_line", high=1000),
    )


_READERS: Mapping[str, Callable[[Fields], Message]] = {
    "welcome": _welcome,
    "door": lambda found: Door(found.flag("invited_only")),
    "joined": lambda found: Joined(_member(found.inner("member"))),
    "away": lambda found: Away(_uid(found, "uid")),
    "left": lambda found: Left(_uid(found, "uid")),
    "state": _state,
    "take": lambda found: TakeReport(
        read_report(found.inner("take")),
        found.whole("all_parts", 0),
        found.whole("all_pauses", 0),
        read_clock(found.inner_or_none("clock")),
    ),
    "arrived": _arrived,
    "command": _command,
    "answer": _answer,
    "signal": _signal,
}
