"""Links that open what lies at the host, made when there is something to open and anew when that has changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from rolltape.arrivals.interfaces import HostAnswer
from rolltape.arrivals.listing import Ticket, TicketRequest
from rolltape.arrivals.paths import TICKETS

__all__ = ["Ask", "Tickets"]

LASTS_MS = 11 * 3600_000
"""Links are good for twelve hours."""

Ask = Callable[[str, str, str], Awaitable[HostAnswer]]
"""Asks the host: method, path and body."""


@dataclass(frozen=True)
class _Made:
    what: object
    """What it was made for: anything else needs another."""
    ticket: Ticket
    at_ms: float


class Tickets:
    """The tickets of a page, each under a key of the caller's; `now_ms` is a monotonic clock."""

    def __init__(self, ask: Ask, now_ms: Callable[[], float]) -> None:
        self._ask = ask
        self._now_ms = now_ms
        self._made: dict[object, _Made] = {}

    async def have(self, key: object, what: object, request: TicketRequest) -> bool:
        """Have one that opens `what` as it now is. True if it is another than before."""
        made, now_ms = self._made.get(key), self._now_ms()
        if made is not None and made.what == what and now_ms - made.at_ms < LASTS_MS:
            return False
        answer = await self._ask("POST", TICKETS, request.to_json())
        if answer.is_good:
            self._made[key] = _Made(what, Ticket.from_json(answer.text), now_ms)
        return answer.is_good

    def get(self, key: object) -> Ticket | None:
        """Return the one under a key; None where there is none."""
        made = self._made.get(key)
        return None if made is None else made.ticket
