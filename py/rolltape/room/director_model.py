"""What a director knows of the guests: one row each, the commands under way, and when what is told.

A button shows the guest's real state, never a hope: asking changes nothing here but that a command is under way,
until the guest has answered and said what is true. Each change is told exactly once, even if messages are repeated,
reordered or lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rolltape.recording.take import Take, TakeState
from rolltape.room.guest_news import News, Told, alarms, came, changes, gone
from rolltape.room.guest_row import (
    BUSY,
    GuestRow,
    Pending,
)
from rolltape.room.messages import Answer, Command, CommandKind, GuestState, Member, Role, nameless

__all__ = ["Control"]
PATIENCE_MS = 5000.0
"""For how long a command may be under way before it is said that nobody answered."""
EFFECT_MS = 20_000.0
"""For how long one may that the guest has agreed to: recorders that do not begin are tried one after the other."""
NO_ANSWER = "The guest's page has not answered."
NO_EFFECT = "The guest's page has agreed, but nothing has come of it."
GRACE_MS = 5000.0
"""After this page's own connection was gone, guests are given so long to be back before they are missed."""
MAX_GONE = 20
"""Guests who have left are shown until they are taken off the page, the last so many."""
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


class Control:
    """All guests of a room. The director's page calls a method for each event, and tells what it returns.

    Each method returns what the director has to be told, in order, mostly nothing; none raises for a guest that is
    not known. `now_ms` is the page's own monotonic clock, in milliseconds.
    """

    def __init__(self) -> None:
        self._rows: dict[str, GuestRow] = {}
        self._looking = False
        self._forgotten: set[str] = set()

    @property
    def rows(self) -> Mapping[str, GuestRow]:
        """The guests by uid, in the order in which they came."""
        return self._rows

    def disconnected(self) -> None:
        """Show that no guest can be reached until `welcomed`, since this page has lost its connection. Rows stay."""
        self._rows = {uid: replace(row, reachable=False) for uid, row in self._rows.items()}

    def welcomed(self, members: Mapping[str, Member], now_ms: float) -> list[Told]:
        """The connection is there, and so are these members; who is not among them is told as gone after GRACE_MS."""
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
        """Take the whole list of who is there now, by uid; directors in it are passed over.

        A guest who has left stays as offline, since their recording may run, unless they were removed or have never
        said anything.
        """
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
                    told.append(came(row))
        gone = [uid for uid in self._rows if uid not in guests]
        for uid in gone[: max(0, len(gone) - MAX_GONE)]:
            del self._rows[uid]
        return told

    def heard(self, uid: str, state: GuestState, now_ms: float) -> list[Told]:
        """A guest's page has told its whole state; commands whose effect is seen in it are not under way any more."""
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
            pending=tuple(one for one in row.pending if not one.is_done(state)),
        )
        self._rows[uid] = now
        first = before or (GuestState(label=state.label) if row.fresh else state)
        return changes(now, first, state) + self._alarms(uid, now_ms)

    def ask(self, command: Command, now_ms: float) -> None:
        """A command was sent to a guest who has a row; it is under way until its effect is seen, or it is refused."""
        row = self._rows[command.to]
        asked = (*row.pending, Pending(command, now_ms, take_id=row.state.take_id if row.state else ""))
        self._rows[command.to] = replace(row, pending=asked, refusal="")

    def answered(self, uid: str, answer: Answer) -> list[Told]:
        """A guest has answered a command; an answer to none that is under way is passed over."""
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
        """Note that the server has not handed a command on, for this reason; return what is to be told."""
        row = self._rows.get(command.to)
        found = None if row is None else next((o for o in row.pending if o.command == command), None)
        return [] if row is None or found is None else self._refused(row, found, reason)

    def check(self, now_ms: float) -> list[Told]:
        """Look at the time, about once a second: commands that nobody answers are given up, silence is an alarm."""
        told: list[Told] = []
        for uid, row in list(self._rows.items()):
            for one in row.pending:
                if now_ms - one.asked_ms > (EFFECT_MS if one.accepted else PATIENCE_MS):
                    told += self._refused(self._rows[uid], one, NO_EFFECT if one.accepted else NO_ANSWER)
            row = self._rows[uid]
            if row.missed_ms is not None and now_ms - row.missed_ms > GRACE_MS:
                self._rows[uid] = replace(row, missed_ms=None)
                told.append(gone(row))
            told += self._alarms(uid, now_ms)
        return told

    def recovered(self, uid: str, take: Take) -> list[Told]:
        """Note that a guest has reported a take that had been cut off; return what is to be told."""
        name = self._rows[uid].name if uid in self._rows else take.label or nameless(uid)
        return [
            Told(
                News.RECOVERED, uid, f"{name}'s recording {take.name} is back; it counts in the session file."
            )
        ]

    def forget(self, uid: str) -> None:
        """Show this guest no more, unless they are back."""
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
            return [came(now)] if is_ and (was_waiting is not waits or not was) else []
        if was and not is_ and not row.asked(CommandKind.REMOVE):
            return [gone(row)]
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
        now = row.alarms_at(now_ms)
        self._rows[uid] = replace(row, alarms=now)
        return alarms(row, now)
