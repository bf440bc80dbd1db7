"""What a director knows of the guests: their own words, the commands under way, and what is told of a change.

A button shows the guest's real state, never a hope: a command changes nothing here but that it is under way,
until the guest answers it or says a new state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rolltape.notice import Level, Notice
from rolltape.room import Answer, Command, CommandKind, GuestState, Member, Role
from rolltape.take import TakeState

__all__ = ["OFFLINE", "Control", "GuestRow"]

OFFLINE = "offline"
PATIENCE_MS = 5000.0
"""For how long a command may be under way before it is said that nobody answered."""
STALE_MS = 3500.0
"""A guest who records says something each second."""

BUSY = frozenset({TakeState.STARTING, TakeState.RECORDING, TakeState.PAUSED, TakeState.STOPPING})
WORDS = {
    CommandKind.START: "start",
    CommandKind.STOP: "stop",
    CommandKind.PAUSE: "pause",
    CommandKind.RESUME: "go on",
    CommandKind.RENAME: "take another name",
    CommandKind.REMOVE: "leave",
    CommandKind.SEND_RATES: "send at another rate",
}


@dataclass(frozen=True)
class GuestRow:
    """One guest, as far as their page and the server have said."""

    member: Member
    state: GuestState | None = None
    heard_ms: float = 0.0
    command: Command | None = None
    """The one under way."""
    asked_ms: float = 0.0
    refusal: str = ""
    """Why the last command was not carried out."""

    @property
    def name(self) -> str:
        """What to call them."""
        label = self.state.label if self.state and self.state.label else self.member.label
        return label or f"Guest {self.member.uid[:4]}"

    @property
    def shown_state(self) -> str:
        """The row's `data-state`: the take's state, or `offline`."""
        if not self.member.present or self.state is None:
            return OFFLINE
        return self.state.state

    @property
    def is_busy(self) -> bool:
        """Whether a recording is under way there."""
        return self.state is not None and self.state.state in BUSY

    def is_stale(self, now_ms: float) -> bool:
        """Whether a guest who records has said nothing for too long."""
        return self.member.present and self.is_busy and now_ms - self.heard_ms > STALE_MS

    def may(self, kind: CommandKind) -> bool:
        """Whether asking for this makes sense right now."""
        if self.command is not None or self.state is None or not self.member.present:
            return False
        state = self.state.state
        return {
            CommandKind.START: state not in BUSY and self.state.can_record,
            CommandKind.STOP: state in (TakeState.STARTING, TakeState.RECORDING, TakeState.PAUSED),
            CommandKind.PAUSE: state is TakeState.RECORDING,
            CommandKind.RESUME: state is TakeState.PAUSED,
        }.get(kind, True)

    @property
    def trouble(self) -> str:
        """The last trouble in words; empty: none."""
        if self.refusal:
            return self.refusal
        if self.state is None:
            return ""
        return self.state.warning or self.state.refusal


class Control:
    """All guests of a room; each method says what a person has to be told."""

    def __init__(self) -> None:
        self._rows: dict[str, GuestRow] = {}

    @property
    def rows(self) -> Mapping[str, GuestRow]:
        """The guests by uid, in the order in which they came."""
        return self._rows

    def members(self, members: Mapping[str, Member]) -> list[Notice]:
        """Who is there now; a guest who has left stays, as offline, while their recording may be running."""
        told = []
        guests = {uid: one for uid, one in members.items() if one.role is Role.GUEST}
        for uid, row in list(self._rows.items()):
            member = guests.get(uid) or replace(row.member, present=False)
            if row.member.present and not member.present and row.is_busy:
                told.append(
                    Notice(
                        Level.WARNING,
                        f"{row.name}'s connection is gone. Their recording goes on by itself on their machine.",
                    )
                )
            self._rows[uid] = replace(row, member=member)
            if uid not in guests and not row.is_busy and row.state is None:
                del self._rows[uid]
        for uid, member in guests.items():
            self._rows.setdefault(uid, GuestRow(member))
        return told

    def state(self, uid: str, state: GuestState, now_ms: float) -> list[Notice]:
        """A guest has said what is true; what changed is told once."""
        row = self._rows.get(uid)
        if row is None:
            return []
        before = row.state
        refusal = "" if state.state in BUSY else row.refusal
        self._rows[uid] = replace(row, state=state, heard_ms=now_ms, refusal=refusal)
        return _changes(self._rows[uid].name, before, state)

    def ask(self, command: Command, now_ms: float) -> None:
        """A command is on its way."""
        row = self._rows[command.to]
        self._rows[command.to] = replace(row, command=command, asked_ms=now_ms, refusal="")

    def answer(self, uid: str, answer: Answer) -> list[Notice]:
        """A guest has answered; a refusal is told with its reason."""
        row = self._rows.get(uid)
        if row is None or row.command is None or row.command.id != answer.id:
            return []
        return self._over(row, "" if answer.accepted else answer.reason or "The guest's page refused.")

    def failed(self, command: Command, reason: str) -> list[Notice]:
        """A command was not handed on."""
        row = self._rows.get(command.to)
        return [] if row is None or row.command != command else self._over(row, reason)

    def check(self, now_ms: float) -> list[Notice]:
        """Commands that nobody has answered for too long are given up."""
        told = []
        for row in list(self._rows.values()):
            if row.command is not None and now_ms - row.asked_ms > PATIENCE_MS:
                told += self._over(row, "The guest's page has not answered.")
        return told

    def forget(self, uid: str) -> None:
        """This guest is not shown any more."""
        self._rows.pop(uid, None)

    def _over(self, row: GuestRow, refusal: str) -> list[Notice]:
        assert row.command is not None
        self._rows[row.member.uid] = replace(row, command=None, refusal=refusal)
        if not refusal:
            return []
        return [Notice(Level.WARNING, f"{row.name} did not {WORDS[row.command.kind]}. {refusal}")]


def _changes(name: str, before: GuestState | None, now: GuestState) -> list[Notice]:
    told = []
    was_busy = before is not None and before.state in BUSY
    if now.state in BUSY and not was_busy and before is not None:
        who = "" if now.started_by in ("", "you") else f", started by {now.started_by}"
        told.append(Notice(Level.INFO, f"{name} is being recorded{who}."))
    if was_busy and now.state not in BUSY:
        told.append(
            Notice(Level.ERROR, f"{name}'s recording has failed. {now.warning}".strip())
            if now.failed
            else Notice(Level.INFO, f"{name}'s recording is finished.")
        )
    elif now.warning and (before is None or now.warning != before.warning):
        told.append(Notice(Level.WARNING, f"{name}: {now.warning}"))
    return told
