"""What a director is told of a guest: each kind of event with its level, and the sentences.

`Control` decides when to tell; here is what is told. Each function takes what is known and changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from rolltape.core.notice import Level
from rolltape.recording.take import TakeState
from rolltape.room.guest_row import (
    BUSY,
    Alarm,
    GuestRow,
    is_under_way,
)
from rolltape.room.messages import Going, GuestState

__all__ = ["RECORDED", "News", "Told", "alarms", "came", "changes", "gone", "is_recorded"]

RECORDED = BUSY - {TakeState.STARTING}
"""In these something is recorded, or was a moment ago: one that is only starting may never be."""


def is_recorded(state: GuestState) -> bool:
    """True while a recording goes on, of which something is written.

    An engine that runs may still deliver nothing, so a director is told that somebody is being recorded only then; of
    one that is stopping already nothing is said but how it ends.
    """
    goes_on = is_under_way(state) and state.state in (TakeState.RECORDING, TakeState.PAUSED)
    return goes_on and state.bytes > 0


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
    """The page that recorded is gone, and the recording with it."""
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
    """One event, in a sentence for the director."""

    kind: News
    uid: str
    text: str

    @property
    def level(self) -> Level:
        """Severity of the notice."""
        return LEVELS[self.kind]


OVER: Mapping[Alarm, str] = {
    Alarm.UNHEARD: "is heard again.",
    Alarm.UNWRITTEN: "is recording, and it is being written again.",
    Alarm.LITTLE_ROOM: "has room for ten minutes of recording or more again.",
    Alarm.LITTLE_BATTERY: "has enough battery again, or is charging it.",
}
"""The same when it has ended."""
OF_A_RECORDING = frozenset({Alarm.UNWRITTEN, Alarm.LITTLE_ROOM})
"""With the recording these are over without a word."""
CUT_OFF = (
    "'s page was closed or loaded anew while it recorded: that recording has ended. What was recorded is kept on "
    "their machine, and comes back when the page is open there again."
)
"""After the guest's name."""


def gone(row: GuestRow) -> Told:
    """Tell that a guest is not connected any more: left on purpose, or not, by what their page said last."""
    uid, name = row.member.uid, row.name
    going = None if row.state is None else row.state.going
    if going is Going.HUNG_UP:
        return Told(News.LEFT, uid, f"{name} has hung up.")
    if going is Going.UNLOADED:
        return Told(News.GONE, uid, f"{name} has closed the page, or is loading it anew.")
    recording = " Their recording goes on by itself while their page is open." if row.is_busy else ""
    return Told(News.GONE, uid, f"{name}'s connection is gone.{recording}")


def came(row: GuestRow) -> Told:
    """Tell that a guest is there for the first time, or waits to be let in."""
    if row.member.waiting:
        return Told(News.WAITS, row.member.uid, f"{row.name} is waiting to be let in.")
    return Told(News.CAME, row.member.uid, f"{row.name} has come in.")


def changes(row: GuestRow, before: GuestState, now: GuestState) -> list[Told]:
    """Return what is new in a guest's state `now`, against the one heard before; `row` holds the new one already.

    The same state twice is no news, so a message that is repeated tells nothing; one that was lost is made up for by
    the next. What began and ended in between is told as ended.
    """
    uid, name = row.member.uid, row.name
    was_busy, is_busy = is_under_way(before), is_under_way(now)
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
    if is_recorded(now) and (another or not is_recorded(before)):
        who = "" if now.started_by in ("", "you") else f", started by {now.started_by}"
        told.append(Told(News.STARTED, uid, f"{name} is being recorded{who}."))
    another_warning = (now.warning, now.warnings_told) != (before.warning, before.warnings_told)
    if now.warning and another_warning and not any(one.kind is News.FAILED for one in told):
        told.append(Told(News.TROUBLE, uid, f"{name}: {now.warning}"))
    if now.going is None:  # with a page its warnings end, which does not say that their causes have
        told += _standing(uid, name, replace(before, standing=()) if other_page else before, now)
    return told


def alarms(row: GuestRow, now: frozenset[Alarm]) -> list[Told]:
    """Return the alarms in `now` that the row did not have, and those that it had and are over."""
    uid = row.member.uid
    over = row.alarms - now - (frozenset() if row.is_busy else OF_A_RECORDING)
    return [
        *(Told(News.TROUBLE, uid, f"{row.name} {alarm}") for alarm in Alarm if alarm in now - row.alarms),
        *(Told(News.OVER, uid, f"{row.name} {OVER[alarm]}") for alarm in Alarm if alarm in over),
    ]


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
