"""A take in as many reports as its parts need: what a guest's page sends when a take is over."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from rolltape.core.notice import shortened
from rolltape.recording.clock_log import ClockLog
from rolltape.recording.take import Take
from rolltape.recording.take_log import plain_part
from rolltape.room.messages import TakeReport
from rolltape.room.wire import MAX_MESSAGE, MAX_SENTENCE, encode

__all__ = ["reports_of"]

HALF_MESSAGE = MAX_MESSAGE // 2
SENDER_CHARACTERS = 400
"""Characters that the server adds: who sent it (`wire.with_sender`)."""
PAUSE_CHARACTERS = 60
"""A pause of two times in milliseconds, at most."""

_T = TypeVar("_T")


def reports_of(take: Take, clock: ClockLog | None = None) -> list[TakeReport]:
    """Return a take as reports each of which fits a message (MAX_MESSAGE), however many parts it has; one if it can.

    Sentences are shortened to what a message carries, and the last report has the `clock`, thinned. Whoever receives
    them puts parts together by number and pauses by time (`session_file.Report.before`), in any order and also if
    one comes twice.
    """
    take = replace(take, error=None if take.error is None else shortened(take.error, MAX_SENTENCE))
    parts = [replace(part, reason=shortened(part.reason, MAX_SENTENCE)) for part in take.parts]
    pauses = list(take.pauses)
    reports: list[TakeReport] = []
    while parts or pauses or not reports:
        some = _as_many(parts, lambda part: len(json.dumps(plain_part(part))), HALF_MESSAGE)
        few = _as_many(pauses, lambda pause: PAUSE_CHARACTERS, HALF_MESSAGE // 2)
        piece = replace(take, parts=tuple(parts[:some]), pauses=tuple(pauses[:few]))
        reports.append(TakeReport(piece, len(take.parts), len(take.pauses)))
        parts, pauses = parts[some:], pauses[few:]
    if clock is not None and (clock.marks or clock.readings):
        _put_clock(reports, clock.told())
    return reports if len(reports) > 1 else [replace(reports[0], all_parts=0, all_pauses=0)]


def _put_clock(reports: list[TakeReport], clock: ClockLog) -> None:
    """Have the last report say this too; where that were too long for a message, another one."""
    last = replace(reports[-1], clock=clock)
    if len(encode(last)) + SENDER_CHARACTERS <= MAX_MESSAGE:
        reports[-1] = last
    else:
        reports.append(replace(last, take=replace(last.take, parts=(), pauses=())))


def _as_many(items: Sequence[_T], size: Callable[[_T], int], limit: int) -> int:
    """How many of these, from the first, fit into so many characters; one at least, if there are any."""
    total = 0
    for count, item in enumerate(items):
        total += size(item)
        if count and total > limit:
            return count
    return len(items)
