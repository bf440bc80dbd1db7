"""What a director knows of the guests: their own words, the commands under way, and what is told of a change.

A button shows the guest's real state, never a hope: asking changes nothing here but that a command is under way,
until the guest has answered and said what is true. Every change is told once, whatever brought it about, however
often a message comes, and whichever is lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from rolltape.core.notice import Level
from rolltape.recording.take import Take, TakeState
from rolltape.room.messages import Answer, Command, CommandKind, Going, GuestState, Member, Role, nameless

__all__ = ["BUSY", "OFFLINE", "Alarm", "Control", "GuestRow", "News", "Pending", "Told"]

OFFLINE = "offline"
WAITING = "waiting"
PATIENCE_MS = 5000.0
"""For how long a command may be under way before it is said that nobody answered."""
EFFECT_MS = 20_000.0
"""For how long one may that the guest has agreed to: recorders that do not begin are tried one after the other."""
NO_ANSWER = "The guest's page has not answered."
NO_EFFECT = "The guest's page has agreed, but nothing has come of it."
RUN_ON_MS = 1500.0
"""For how long the time shown runs on by itself: a guest who records says theirs each second."""
STALE_MS = 3000.0
STALE_IDLE_MS = 12_000.0
"""A guest who does not record says something every five seconds."""
SILENT_MS = 8000.0
"""A recording of which nothing is heard, or nothing written, for so long is an alarm."""
GRACE_MS = 5000.0
"""After this page's own connection was gone, guests are given so long to be back before they are missed."""
LITTLE_MINUTES = 10.0
LITTLE_BATTERY = 15
MAX_GONE = 20
"""Guests who have left are shown until they are taken off the page, the last so many."""

RUNNING = frozenset({TakeState.RECORDING, TakeState.PAUSED})
"""Something is in the recording; while it starts nobody knows yet whether there will be."""
BUSY = frozenset({TakeState.STARTING, TakeState.RECORDING, TakeState.PAUSED, TakeState.STOPPING})
RECORDED = BUSY - {TakeState.STARTING}
"""In these something is recorded, or was a moment ago: one that is only starting may never be."""
TRANSPORT = frozenset({CommandKind.START, CommandKind.STOP, CommandKind.PAUSE, CommandKind.RESUME})
NEEDS: Mapping[CommandKind, frozenset[TakeState]] = {
    CommandKind.STOP: frozenset({TakeState.STARTING, TakeState.RECORDING, TakeState.PAUSED}),
    CommandKind.PAUSE: frozenset({TakeState.RECORDING}),
    CommandKind.RESUME: frozenset({TakeState.PAUSED}),
}
"""In which states of the guest a command makes sense; START: in none of BUSY."""
WORDS = {
    CommandKind.START: "start",
    CommandKind.STOP: "stop",
    CommandKind.PAUSE: "pause",
    CommandKind.RESUME: "go on",
    CommandKind.RENAME: "take another name",
    CommandKind.REMOVE: "leave",
    CommandKind.LET_IN: "come in",
    CommandKind.SEND_RATES: "send at another rate",
}


class News(StrEnum):
    """Events that a director is told of."""

    CAME = "came"
    WAITS = "waits"
    """Somebody who was not invited wants to be let in."""
    BACK = "back"
    GONE = "gone"
    LEFT = "left"
    """On purpose, with nothing being recorded."""
    STARTED = "started"
    STOPPED = "stopped"
    FAILED = "failed"
    CUT_OFF = "cut off"
    """The page that recorded is gone."""
    RECOVERED = "recovered"
    """What was cut off is a finished recording by now."""
    REFUSED = "refused"
    TROUBLE = "trouble"
    """A warning on the guest's own page, or an alarm."""
    OVER = "over"
    """Such a trouble has ended."""


LEVELS: Mapping[News, Level] = {
    News.CAME: Level.INFO,
    News.WAITS: Level.INFO,
    News.BACK: Level.INFO,
    News.GONE: Level.WARNING,
    News.LEFT: Level.INFO,
    News.STARTED: Level.INFO,
    News.STOPPED: Level.INFO,
    News.FAILED: Level.ERROR,
    News.CUT_OFF: Level.ERROR,
    News.RECOVERED: Level.INFO,
    News.REFUSED: Level.WARNING,
    News.TROUBLE: Level.WARNING,
    News.OVER: Level.INFO,
}


@dataclass(frozen=True)
class Told:
    """One thing that has happened, in a sentence."""

    kind: News
    uid: str
    text: str

    @property
    def level(self) -> Level:
        """Severity of the notice."""
        return LEVELS[self.kind]


class Alarm(StrEnum):
    """Conditions that hold for a while; the value is the sentence after the guest's name."""

    UNHEARD = "is recording, but nothing has been heard from their page for some seconds."
    UNWRITTEN = "is recording, but nothing more is being written."
    LITTLE_ROOM = "has room for less than ten minutes of recording."
    LITTLE_BATTERY = "has little battery left."


OVER: Mapping[Alarm, str] = {
    Alarm.UNHEARD: "is heard again.",
    Alarm.UNWRITTEN: "is recording, and it is being written again.",
    Alarm.LITTLE_ROOM: "has room for ten minutes of recording or more again.",
    Alarm.LITTLE_BATTERY: "has enough battery again, or is charging it.",
}
"""The same when it has ended."""
OF_A_RECORDING = frozenset({Alarm.UNWRITTEN, Alarm.LITTLE_ROOM})
"""With the recording these are over without a word."""


@dataclass(frozen=True)
class Pending:
    """A command under way."""

    command: Command
    asked_ms: float
    accepted: bool = False
    """The guest has agreed; what is true comes next."""
    take_id: str = ""
    """The guest's last take when it was asked for."""


@dataclass(frozen=True)
class GuestRow:
    """One guest, as far as their page and the server have said."""

    member: Member
    state: GuestState | None = None
    heard_ms: float = 0.0
    reachable: bool = True
    """False: this page itself has no connection to the room."""
    pending: tuple[Pending, ...] = ()
    refusal: str = ""
    """Why the last command was not carried out."""
    alarms: frozenset[Alarm] = frozenset()
    grown_ms: float = 0.0
    """When more was written than before."""
    fresh: bool = False
    """Came while this page was looking, so what they begin with is news."""
    missed_ms: float | None = None
    """Since when they have been missing, untold; None: not missing, or told."""

    @property
    def name(self) -> str:
        """The guest's name, or a stand-in for one."""
        label = self.state.label if self.state and self.state.label else self.member.label
        return label or nameless(self.member.uid)

    @property
    def is_here(self) -> bool:
        """True if their page can be spoken to right now."""
        return self.reachable and self.member.present and self.state is not None and not self.is_waiting

    @property
    def is_waiting(self) -> bool:
        """True if they are outside until a director lets them in."""
        return self.member.waiting and self.member.present

    @property
    def take_state(self) -> TakeState:
        """The state of their take as last heard; `idle` where there is none."""
        return self.state.state if self.state is not None and _is_busy(self.state) else TakeState.IDLE

    @property
    def shown_state(self) -> str:
        """The row's `data-state`: the take's state, `offline`, or `waiting`."""
        if self.is_waiting and self.reachable:
            return WAITING
        return self.take_state if self.is_here else OFFLINE

    @property
    def is_busy(self) -> bool:
        """True if a recording was under way when they were last heard."""
        return self.take_state is not TakeState.IDLE

    def silent_ms(self, now_ms: float) -> float:
        """For how long nothing has been heard, where that is too long; else 0."""
        silence = now_ms - self.heard_ms
        return silence if self.is_here and silence > (STALE_MS if self.is_busy else STALE_IDLE_MS) else 0.0

    def elapsed_ms(self, now_ms: float) -> int:
        """Return the take's length in ms: as the guest last said, running on for a moment only."""
        if self.state is None:
            return 0
        if not self.is_here or self.take_state is not TakeState.RECORDING:
            return self.state.elapsed_ms
        return self.state.elapsed_ms + round(min(max(0.0, now_ms - self.heard_ms), RUN_ON_MS))

    def asked(self, *kinds: CommandKind) -> bool:
        """True if one of these commands is under way."""
        return any(one.command.kind in kinds for one in self.pending)

    def may(self, kind: CommandKind) -> bool:
        """True if the button for this can be pressed right now; stopping waits for nothing but stopping."""
        if kind is CommandKind.REMOVE:
            return self.reachable and self.member.present and not self.asked(kind)
        if kind is CommandKind.LET_IN:
            return self.reachable and self.is_waiting and not self.asked(kind)
        if not self.is_here or self.state is None or self.asked(kind):
            return False
        if kind in TRANSPORT and kind is not CommandKind.STOP and self.asked(*TRANSPORT):
            return False
        if kind is CommandKind.START:
            return not self.is_busy and self.state.can_record
        return self.take_state in NEEDS.get(kind, frozenset(TakeState))

    @property
    def trouble(self) -> str:
        """Return sentences on what is not as it should be: the last event, then what holds; empty if all is well."""
        if self.refusal or self.state is None:
            return self.refusal
        last = self.state.warning or self.state.refusal
        found = [last, *(one.text for one in self.state.standing)]
        return " ".join(dict.fromkeys(text for text in found if text))


class Control:
    """All guests of a room; each method says what a person has to be told."""

    def __init__(self) -> None:
        self._rows: dict[str, GuestRow] = {}
        self._looking = False
        self._forgotten: set[str] = set()

    @property
    def rows(self) -> Mapping[str, GuestRow]:
        """The guests by uid, in the order in which they came."""
        return self._rows

    def disconnected(self) -> None:
        """This page has no connection: nothing is known of anybody until it has."""
        self._rows = {uid: replace(row, reachable=False) for uid, row in self._rows.items()}

    def welcomed(self, members: Mapping[str, Member], now_ms: float) -> list[Told]:
        """The connection is there, and so are these; whoever is not is missed in a while."""
        for uid, row in self._rows.items():
            seen = members.get(uid)
            missing = row.member.present and (seen is None or not seen.present)
            missed_ms = now_ms if missing else row.missed_ms
            member = replace(row.member, present=False) if missing else row.member
            self._rows[uid] = replace(
                row, reachable=True, heard_ms=now_ms, grown_ms=now_ms, member=member, missed_ms=missed_ms
            )
        told = self.members(members, now_ms)
        self._looking = True
        return told

    def members(self, members: Mapping[str, Member], now_ms: float) -> list[Told]:
        """Take the list of who is there now; a guest who has left stays as offline, since their recording may run."""
        guests = {uid: one for uid, one in members.items() if one.role is Role.GUEST}
        told: list[Told] = []
        for uid, row in list(self._rows.items()):
            told += self._moved(row, guests.get(uid) or replace(row.member, present=False), now_ms)
            if uid not in guests and (
                row.asked(CommandKind.REMOVE) or row.state is None or row.member.waiting
            ):
                del self._rows[uid]
        self._forgotten = {uid for uid in self._forgotten if uid in guests and not guests[uid].present}
        for uid, member in guests.items():
            if uid not in self._rows and uid not in self._forgotten:
                self._rows[uid] = row = GuestRow(member, heard_ms=now_ms, fresh=self._looking)
                if self._looking and member.present:
                    told.append(_came(row))
        gone = [uid for uid in self._rows if uid not in guests]
        for uid in gone[: max(0, len(gone) - MAX_GONE)]:
            del self._rows[uid]
        return told

    def heard(self, uid: str, state: GuestState, now_ms: float) -> list[Told]:
        """A guest has said what is true; what is new in it is told once."""
        row = self._rows.get(uid)
        if row is None:
            return []
        before = row.state
        grown = before is None or state.bytes != before.bytes or state.state is not TakeState.RECORDING
        now = replace(
            row,
            state=state,
            heard_ms=now_ms,
            grown_ms=now_ms if grown else row.grown_ms,
            refusal="" if state.state in BUSY else row.refusal,
            pending=tuple(one for one in row.pending if not _is_done(one, state)),
        )
        self._rows[uid] = now
        first = before or (GuestState(label=state.label) if row.fresh else state)
        return _changes(now, first, state) + self._alarms(uid, now_ms)

    def ask(self, command: Command, now_ms: float) -> None:
        """A command is on its way."""
        row = self._rows[command.to]
        asked = (*row.pending, Pending(command, now_ms, take_id=row.state.take_id if row.state else ""))
        self._rows[command.to] = replace(row, pending=asked, refusal="")

    def answered(self, uid: str, answer: Answer) -> list[Told]:
        """A guest has answered; a refusal is told with its reason."""
        row = self._rows.get(uid)
        found = None if row is None else next((o for o in row.pending if o.command.id == answer.id), None)
        if row is None or found is None:
            return []
        if not answer.accepted:
            return self._refused(row, found, answer.reason or "The guest's page refused.")
        agreed = tuple(replace(one, accepted=True) if one is found else one for one in row.pending)
        self._rows[uid] = replace(row, pending=agreed)
        return []

    def failed(self, command: Command, reason: str) -> list[Told]:
        """A command was not handed on."""
        row = self._rows.get(command.to)
        found = None if row is None else next((o for o in row.pending if o.command == command), None)
        return [] if row is None or found is None else self._refused(row, found, reason)

    def check(self, now_ms: float) -> list[Told]:
        """Look at the time: commands that nobody answers are given up, what has gone quiet is told."""
        told: list[Told] = []
        for uid, row in list(self._rows.items()):
            for one in row.pending:
                if now_ms - one.asked_ms > (EFFECT_MS if one.accepted else PATIENCE_MS):
                    told += self._refused(self._rows[uid], one, NO_EFFECT if one.accepted else NO_ANSWER)
            row = self._rows[uid]
            if row.missed_ms is not None and now_ms - row.missed_ms > GRACE_MS:
                self._rows[uid] = replace(row, missed_ms=None)
                told.append(_gone(row))
            told += self._alarms(uid, now_ms)
        return told

    def recovered(self, uid: str, take: Take) -> list[Told]:
        """A guest has reported a take that had been cut off."""
        name = self._rows[uid].name if uid in self._rows else take.label or nameless(uid)
        return [
            Told(
                News.RECOVERED, uid, f"{name}'s recording {take.name} is back; it counts in the session file."
            )
        ]

    def forget(self, uid: str) -> None:
        """This guest is not shown any more, unless they are back."""
        self._rows.pop(uid, None)
        self._forgotten.add(uid)

    def _moved(self, row: GuestRow, member: Member, now_ms: float) -> list[Told]:
        """A guest is there or not, or goes by another name."""
        was, is_ = row.member.present, member.present
        now = replace(row, member=member, missed_ms=None if is_ else row.missed_ms)
        if is_ and not was:
            now = replace(now, heard_ms=now_ms, grown_ms=now_ms)  # from now on silence counts
        was_waiting, waits = row.member.waiting, member.waiting
        if was_waiting and not waits:
            now = replace(
                now, pending=tuple(o for o in now.pending if o.command.kind is not CommandKind.LET_IN)
            )
        self._rows[member.uid] = now
        if was_waiting or waits:  # who only waited is not missed
            return [_came(now)] if is_ and (was_waiting is not waits or not was) else []
        if was and not is_ and not row.asked(CommandKind.REMOVE):
            return [_gone(row)]
        if is_ and not was and row.missed_ms is None:
            return [Told(News.BACK, member.uid, f"{row.name} is back.")]
        return []

    def _refused(self, row: GuestRow, pending: Pending, reason: str) -> list[Told]:
        others = tuple(one for one in row.pending if one is not pending)
        self._rows[row.member.uid] = replace(row, pending=others, refusal=reason)
        what = WORDS[pending.command.kind]
        return [Told(News.REFUSED, row.member.uid, f"{row.name} did not {what}. {reason}")]

    def _alarms(self, uid: str, now_ms: float) -> list[Told]:
        """Alarms that are new, and those that are over."""
        row = self._rows[uid]
        now = _alarms(row, now_ms)
        self._rows[uid] = replace(row, alarms=now)
        begun = [
            Told(News.TROUBLE, uid, f"{row.name} {alarm}") for alarm in Alarm if alarm in now - row.alarms
        ]
        over = row.alarms - now - (frozenset() if row.is_busy else OF_A_RECORDING)
        return begun + [Told(News.OVER, uid, f"{row.name} {OVER[alarm]}") for alarm in Alarm if alarm in over]


def _gone(row: GuestRow) -> Told:
    uid, name = row.member.uid, row.name
    going = None if row.state is None else row.state.going
    if going is Going.HUNG_UP:
        return Told(News.LEFT, uid, f"{name} has hung up.")
    if going is Going.UNLOADED:
        return Told(News.GONE, uid, f"{name} has closed the page, or is loading it anew.")
    recording = " Their recording goes on by itself while their page is open." if row.is_busy else ""
    return Told(News.GONE, uid, f"{name}'s connection is gone.{recording}")


def _is_busy(state: GuestState) -> bool:
    """True if a recording is under way: with its page it ends, whatever state it was in."""
    return state.state in BUSY and state.going is None


def _is_done(pending: Pending, state: GuestState) -> bool:
    """True if the effect of what was asked for is seen, or it is agreed to and can have none any more."""
    kind = pending.command.kind
    if kind is CommandKind.START:
        return state.state in BUSY or state.take_id != pending.take_id
    if kind is CommandKind.STOP:
        return state.state not in NEEDS[CommandKind.STOP]
    if kind is CommandKind.PAUSE:
        return state.state is TakeState.PAUSED or (pending.accepted and state.state not in RUNNING)
    if kind is CommandKind.RESUME:
        return state.state is TakeState.RECORDING or (pending.accepted and state.state not in RUNNING)
    return pending.accepted or (kind is CommandKind.RENAME and state.label == pending.command.label)


def _came(row: GuestRow) -> Told:
    if row.member.waiting:
        return Told(News.WAITS, row.member.uid, f"{row.name} is waiting to be let in.")
    return Told(News.CAME, row.member.uid, f"{row.name} has come in.")


def _changes(row: GuestRow, before: GuestState, now: GuestState) -> list[Told]:
    uid, name = row.member.uid, row.name
    was_busy, is_busy = _is_busy(before), _is_busy(now)
    other_page = bool(before.page and now.page) and before.page != now.page
    another = now.take_id != before.take_id
    told = []
    unloaded = now.going is Going.UNLOADED and before.going is None
    if (was_busy and (other_page or unloaded)) or (unloaded and now.state in BUSY):
        told.append(Told(News.CUT_OFF, uid, f"{name}{CUT_OFF}"))
    elif was_busy and (not is_busy or another):
        failed = now.failed and not is_busy
        if failed or before.state in RECORDED:  # else nobody was told that it had begun
            told.append(_over(uid, name, now, failed))
    elif another and not is_busy and now.take_id:
        # Began and ended without a word in between, for example while this page was not connected.
        told.append(_over(uid, name, now, now.failed))
    if is_busy and now.state in RECORDED and (another or not (was_busy and before.state in RECORDED)):
        who = "" if now.started_by in ("", "you") else f", started by {now.started_by}"
        told.append(Told(News.STARTED, uid, f"{name} is being recorded{who}."))
    another_warning = (now.warning, now.warnings_told) != (before.warning, before.warnings_told)
    if now.warning and another_warning and not any(one.kind is News.FAILED for one in told):
        told.append(Told(News.TROUBLE, uid, f"{name}: {now.warning}"))
    if now.going is None:  # with a page its warnings end, which does not say that their causes have
        told += _standing(uid, name, replace(before, standing=()) if other_page else before, now)
    return told


CUT_OFF = (
    "'s page was closed or loaded anew while it recorded: that recording has ended. What was recorded is kept on "
    "their machine, and comes back when the page is open there again."
)


def _standing(uid: str, name: str, before: GuestState, now: GuestState) -> list[Told]:
    """Warnings that hold from now on, and those that hold no more."""
    were = {one.subject: one.text for one in before.standing}
    are = {one.subject: one.text for one in now.standing}
    begun = [text for subject, text in are.items() if were.get(subject) != text]
    over = [text for subject, text in were.items() if subject not in are]
    return [
        *(Told(News.TROUBLE, uid, f"{name}: {text}") for text in begun),
        *(Told(News.OVER, uid, f"{name}: This is over: “{text}”") for text in over),
    ]


def _over(uid: str, name: str, now: GuestState, failed: bool) -> Told:
    if failed:
        return Told(News.FAILED, uid, f"{name}'s recording has failed. {now.warning}".strip())
    return Told(News.STOPPED, uid, f"{name}'s recording is finished.")


def _alarms(row: GuestRow, now_ms: float) -> frozenset[Alarm]:
    state = row.state
    if state is None or not row.is_here:
        return row.alarms
    battery = 100 if state.battery is None or state.charging else state.battery
    minutes = LITTLE_MINUTES if state.minutes_left is None else state.minutes_left
    unheard = now_ms - row.heard_ms > SILENT_MS
    is_so = {
        Alarm.UNHEARD: row.is_busy and unheard,
        Alarm.UNWRITTEN: state.state is TakeState.RECORDING
        and not unheard
        and now_ms - row.grown_ms > SILENT_MS,
        Alarm.LITTLE_ROOM: row.is_busy and minutes < LITTLE_MINUTES,
        Alarm.LITTLE_BATTERY: battery <= LITTLE_BATTERY,
    }
    return frozenset(alarm for alarm, so in is_so.items() if so)
