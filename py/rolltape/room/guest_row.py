"""One guest as a director knows them: what their page said last, commands under way, what can be asked now.

`Control` makes and replaces rows; the director's page draws them (`pages/director/guest_card.py`). Times are
milliseconds of the director's own monotonic clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rolltape.recording.take import TakeState
from rolltape.room.messages import Command, CommandKind, GuestState, Member, nameless

__all__ = [
    "BUSY",
    "LITTLE_BATTERY",
    "OFFLINE",
    "RUN_ON_MS",
    "Alarm",
    "GuestRow",
    "Pending",
    "is_under_way",
]


OFFLINE = "offline"
WAITING = "waiting"
RUN_ON_MS = 1500.0
"""For how long the time shown runs on by itself: a guest who records says theirs each second."""
STALE_MS = 3000.0
STALE_IDLE_MS = 12_000.0
"""A guest who does not record says something every five seconds."""
SILENT_MS = 8000.0
"""A recording of which nothing is heard, or nothing written, for so long is an alarm."""
LITTLE_MINUTES = 10.0
LITTLE_BATTERY = 15

RUNNING = frozenset({TakeState.RECORDING, TakeState.PAUSED})
"""Something is in the recording; while it starts nobody knows yet whether there will be."""
BUSY = frozenset({TakeState.STARTING, TakeState.RECORDING, TakeState.PAUSED, TakeState.STOPPING})
TRANSPORT = frozenset({CommandKind.START, CommandKind.STOP, CommandKind.PAUSE, CommandKind.RESUME})
NEEDS: Mapping[CommandKind, frozenset[TakeState]] = {
    CommandKind.STOP: frozenset({TakeState.STARTING, TakeState.RECORDING, TakeState.PAUSED}),
    CommandKind.PAUSE: frozenset({TakeState.RECORDING}),
    CommandKind.RESUME: frozenset({TakeState.PAUSED}),
}
"""The states of the guest's take in which a command makes sense; START: in none of BUSY."""


class Alarm(StrEnum):
    """Conditions that hold for a while; the value is the sentence after the guest's name."""

    UNHEARD = "is recording, but nothing has been heard from their page for some seconds."
    UNWRITTEN = "is recording, but nothing more is being written."
    LITTLE_ROOM = "has room for less than ten minutes of recording."
    LITTLE_BATTERY = "has little battery left."


@dataclass(frozen=True)
class Pending:
    """A command that was sent and has neither been refused nor shown its effect."""

    command: Command
    asked_ms: float
    """When it was sent."""
    accepted: bool = False
    """The guest has agreed; what is true comes next."""
    take_id: str = ""
    """The guest's last take when it was asked for."""

    def is_done(self, state: GuestState) -> bool:
        """True if the command's effect is seen in the guest's state, or agreed to and can have none any more."""
        kind = self.command.kind
        if kind is CommandKind.START:
            return state.state in BUSY or state.take_id != self.take_id
        if kind is CommandKind.STOP:
            return state.state not in NEEDS[CommandKind.STOP]
        if kind is CommandKind.PAUSE:
            return state.state is TakeState.PAUSED or (self.accepted and state.state not in RUNNING)
        if kind is CommandKind.RESUME:
            return state.state is TakeState.RECORDING or (self.accepted and state.state not in RUNNING)
        return self.accepted or (kind is CommandKind.RENAME and state.label == self.command.label)


@dataclass(frozen=True)
class GuestRow:
    """One guest, as far as their page and the server have said. Every change makes a new row."""

    member: Member
    state: GuestState | None = None
    """What their page told last; None: nothing yet."""
    heard_ms: float = 0.0
    """When that was."""
    reachable: bool = True
    """False: this page itself has no connection to the room."""
    pending: tuple[Pending, ...] = ()
    refusal: str = ""
    """Why the last command was not carried out, in a sentence; empty once one is, or another is sent."""
    alarms: frozenset[Alarm] = frozenset()
    """Those that hold and were told."""
    grown_ms: float = 0.0
    """When more bytes were written than before, or nothing was to be written."""
    fresh: bool = False
    """True if they came while this page was looking, so that what they begin with is news."""
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
        return self.state.state if self.state is not None and is_under_way(self.state) else TakeState.IDLE

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
        """Return for how many milliseconds nothing has been heard, where that is too long; else 0."""
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

    def alarms_at(self, now_ms: float) -> frozenset[Alarm]:
        """Return what is an alarm at this moment; while they cannot be heard, what was one before."""
        state = self.state
        if state is None or not self.is_here:
            return self.alarms
        battery = 100 if state.battery is None or state.charging else state.battery
        minutes = LITTLE_MINUTES if state.minutes_left is None else state.minutes_left
        unheard = now_ms - self.heard_ms > SILENT_MS
        is_so = {
            Alarm.UNHEARD: self.is_busy and unheard,
            Alarm.UNWRITTEN: state.state is TakeState.RECORDING
            and not unheard
            and now_ms - self.grown_ms > SILENT_MS,
            Alarm.LITTLE_ROOM: self.is_busy and minutes < LITTLE_MINUTES,
            Alarm.LITTLE_BATTERY: battery <= LITTLE_BATTERY,
        }
        return frozenset(alarm for alarm, so in is_so.items() if so)


def is_under_way(state: GuestState) -> bool:
    """True if the guest's state tells of a recording under way; with its page it ends, whatever state it was in."""
    return state.state in BUSY and state.going is None
