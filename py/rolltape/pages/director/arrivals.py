"""What has arrived at the host, for the director: how far each take is, links to fetch them, finishing, deleting.

Where the host offers to keep nothing, nothing of this is shown and nothing is asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from rolltape.arrivals.interfaces import Host, HostAnswer
from rolltape.arrivals.listing import STILL_MS, ArrivalState, ArrivedTake, Listing, TicketRequest
from rolltape.arrivals.paths import TAKES, finish_path, take_path
from rolltape.arrivals.upload_state import UploadState
from rolltape.arrivals.wire import UploadOffer
from rolltape.core.notice import Level, Notice
from rolltape.pages import words
from rolltape.pages.director.tickets import Tickets
from rolltape.pages.director.tracks import KEPT, Name, TracksView
from rolltape.pages.document import Document, View
from rolltape.pages.interfaces import Browser
from rolltape.room.messages import Arrived, GuestState

__all__ = ["ArrivalsView", "Name", "arrival_words", "may_finish", "row_state"]

OPEN_S, IDLE_S = 2.0, 15.0
"""So often the host is asked while something is on its way, and while nothing is."""
LEAST_S = 0.5
"""And never more often than this, whatever happens."""
QUIET_MS = 15_000
"""A take of which nothing came for this long is waiting for its guest's page."""
SUBJECT = "arrivals"
NO_ANSWER = "The host does not answer right now."


class ArrivalsView:
    """The takes of a room at its host; `changed` is called whenever something is new."""

    def __init__(self, document: Document, browser: Browser, changed: Callable[[], None]) -> None:
        self.takes: dict[Name, ArrivedTake] = {}
        """The newest first."""
        self._document = document
        self._browser = browser
        self._changed = changed
        self._offer: UploadOffer | None = None
        self._host: Host | None = None
        self._wake = asyncio.Event()
        self._tickets = Tickets(self._ask, browser.now_ms)
        self.tracks = TracksView(document, browser, self._ask, self._tickets, self._told)
        """What the host makes of the newest session."""
        self._now_ms = 0.0
        """When what is drawn was so, by the host's clock."""
        self._ahead_ms = 0.0
        """By how much this machine's clock is ahead of the host's."""

    @property
    def is_kept(self) -> bool:
        """True if the host keeps takes of this room."""
        return self._offer is not None

    def offered(self, offer: UploadOffer) -> None:
        """Show from now on what the host has: it keeps takes of this room. Called with each new token."""
        first, self._offer = self._offer is None, offer
        if first:
            self._host = self._browser.upload_host()
            self._document.spawn(self._watch())
        self.hurry()

    def hurry(self) -> None:
        """Ask the host soon what there is: a take began, or ended."""
        self._wake.set()

    def heard(self, uid: str, told: Arrived) -> None:
        """Show the host's word that it has more of a take; of what is new in kind the list is asked for."""
        name = uid, told.take
        take = self.takes.get(name)
        part = next((one for one in take.parts if one.part == told.part), None) if take else None
        if take is None or part is None or part.state is not told.state:
            self.hurry()
            return
        self._now_ms = time.time() * 1000 - self._ahead_ms
        now = replace(part, bytes=told.bytes, seen_ms=round(self._now_ms))
        parts = tuple(now if one is part else one for one in take.parts)
        self.takes[name] = replace(take, parts=parts)
        self._changed()

    async def _watch(self) -> None:
        """Ask the host now and then, for as long as the page is there."""
        while True:
            self._wake.clear()
            try:
                await self._look()
            except ValueError as error:
                self._browser.log(f"The host's list of takes could not be read. ({error})")
            await asyncio.sleep(LEAST_S)
            on_its_way = self._is_arriving or self.tracks.is_waited_for
            try:
                async with asyncio.timeout(OPEN_S if on_its_way else IDLE_S):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        answer = await self._ask("GET", TAKES)
        if not answer.is_good:
            return
        listing, here_ms = Listing.from_json(answer.text), time.time() * 1000
        self._now_ms = here_ms if listing.now_ms is None else listing.now_ms
        self._ahead_ms, before = here_ms - self._now_ms, self.takes
        self.takes = {(one.uid, one.take): one for one in listing.takes}
        for name, take in self.takes.items():
            if take.state in KEPT:
                part = take.parts[0].part if len(take.parts) == 1 else ""
                await self._link(name, take, TicketRequest("", take.uid, take.take, part))
        session = next((one.session for one in listing.takes), "")
        newest = [one for one in listing.takes if one.session == session]
        await self.tracks.use(listing, newest)
        await self._link_all(session, newest)
        if before != self.takes or self._is_arriving:  # for how long nothing has come is told, too
            self._changed()

    @property
    def _is_arriving(self) -> bool:
        return any(one.state not in KEPT for one in self.takes.values())

    async def _ask(self, method: str, path: str, body: str = "") -> HostAnswer:
        assert self._host is not None
        return await self._host.ask(method, path, self._offer.token if self._offer else "", body)

    async def _link(self, key: object, what: object, request: TicketRequest) -> None:
        """Have a link that opens this, unless there is one that does and lasts."""
        if await self._tickets.have(key, what, request):
            self._changed()

    async def _link_all(self, session: str, takes: Iterable[ArrivedTake]) -> None:
        """The link for everything of the newest session, made anew when more of it has arrived or was made."""
        in_it = tuple(one for one in takes if one.state in KEPT)
        if not in_it:
            self._document.show("fetch-all", False)
            self._document.text("fetch-all-facts", "")
            return
        await self._link("all", (in_it, self.tracks.files), TicketRequest(session))
        ticket = self._tickets.get("all")
        if ticket is not None:
            self._document.attribute("fetch-all", "href", ticket.path)
            count = f"{len(in_it)} recordings" if len(in_it) > 1 else "1 recording"
            also = "the session file and the tracks" if self.tracks.files else "the session file"
            facts = f"{count}, {words.size(ticket.size)}, as one zip with {also}"
            self._document.text("fetch-all-facts", facts)
            self._document.show("fetch-all", True)

    # Drawing.

    def card(self, uid: str, told: GuestState) -> str:
        """How far a guest's newest take is, for their card."""
        mine = [one for one in self.takes.values() if one.uid == uid]
        take = next((one for one in mine if one.take == told.take_id), None)
        if take is None and not told.take_id:
            take = next(iter(mine), None)
        return "" if take is None else arrival_words(take, self._now_ms)

    def fill(self, row: View, name: Name) -> None:
        """Draw in a row of the session how far that take is, and what can be done with it."""
        take = self.takes.get(name)
        row.attribute("", "data-state", row_state(take, self._now_ms))
        row.text("session-arrival", arrival_words(take, self._now_ms) if take else self._absent())
        ticket = self._tickets.get(name) if take is not None and take.state in KEPT else None
        row.show("fetch", ticket is not None)
        if ticket is not None:
            row.attribute("fetch", "href", ticket.path)
        row.show("delete", take is not None)
        row.show("finish", take is not None and may_finish(take, self._now_ms))

    def _absent(self) -> str:
        return "Nothing of it has come to the host." if self.is_kept else ""

    def label(self, name: Name) -> str:
        """What a take is called that no guest has reported to this page."""
        take = self.takes[name]
        files = [part.name for part in take.parts if part.name]
        return f"{take.label or 'Guest'} · {files[0] if files else f'take {take.number}'}"

    def wire(self, row: View, name: Name) -> None:
        """Have the row's buttons delete a take at the host, asked twice, or finish it; called once for each row."""
        row.on("delete", "click", partial(self._on_delete, row, name))
        row.on("delete", "blur", partial(self._not_sure, row))
        row.on("finish", "click", partial(self._on_finish, name))

    async def _on_delete(self, row: View, name: Name) -> None:
        """Asked twice, since it cannot be taken back."""
        if row.value("delete") != "sure":
            row.attribute("delete", "value", "sure")
            row.text("delete", "Delete at the host for good?")
            return
        self._not_sure(row)
        uid, take = name
        self._told(await self._ask("DELETE", take_path(take, uid)))

    def _not_sure(self, row: View) -> None:
        row.attribute("delete", "value", "")
        row.text("delete", "Delete")

    async def _on_finish(self, name: Name) -> None:
        uid, take = name
        self._told(await self._ask("POST", finish_path(take, uid)))

    def _told(self, answer: HostAnswer) -> None:
        """What came of it: the list says it, or the host's sentence."""
        if not answer.is_good:
            problem = answer.problem
            sentence = problem.detail if problem else NO_ANSWER
            self._document.notify(Notice(Level.WARNING, sentence, SUBJECT))
        self.hurry()


def row_state(take: ArrivedTake | None, now_ms: float) -> str:
    """Return the UploadState for a take's row, as its guest's page would have it; `off` for None.

    One that arrives is `waiting` where nothing has come for more than QUIET_MS before `now_ms` (since 1970, by the
    host's clock).
    """
    if take is None:
        return UploadState.OFF
    match take.state:
        case ArrivalState.COMPLETE | ArrivalState.CUT:
            return UploadState.ARRIVED
        case ArrivalState.PROVING:
            return UploadState.CLOSING
        case ArrivalState.DELETED:
            return UploadState.WITHDRAWN
        case _:
            return UploadState.WAITING if _silent_ms(take, now_ms) > QUIET_MS else UploadState.SENDING


def may_finish(take: ArrivedTake, now_ms: float) -> bool:
    """Return whether the host would finish a take without its guest; `now_ms` as for `row_state`."""
    is_waiting = row_state(take, now_ms) == UploadState.WAITING
    return is_waiting and _silent_ms(take, now_ms) > STILL_MS


def arrival_words(take: ArrivedTake, now_ms: float) -> str:
    """How far a take is, in a sentence."""
    size = words.size(take.bytes)
    problems = " ".join(dict.fromkeys(part.problem for part in take.parts if part.problem))
    match row_state(take, now_ms):
        case UploadState.ARRIVED if take.state is ArrivalState.CUT:
            return f"Finished from what had arrived: {size}. {problems}".strip()
        case UploadState.ARRIVED:
            return f"Arrived: {size}. {problems}".strip()
        case UploadState.CLOSING:
            return f"All of it is there, {size}; it is being compared."
        case UploadState.WITHDRAWN:
            return "Taken back by its guest, or deleted."
        case UploadState.WAITING:
            quiet = words.clock(int(_silent_ms(take, now_ms)))
            return f"{size} have arrived; nothing has come for {quiet}. It goes on when the guest's page is open."
        case _:
            return f"Arriving: {size} so far."


def _silent_ms(take: ArrivedTake, now_ms: float) -> float:
    return max(0.0, now_ms - max((part.seen_ms for part in take.parts), default=take.started_at_ms))
