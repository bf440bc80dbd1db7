"""Tracks of the session, made at the host: the button that asks for them, how far they are, and a link a file.

What the page knows of the takes' clocks goes with the request; takes that are not ticked in the list do not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from rolltape.arrivals.interfaces import HostAnswer
from rolltape.arrivals.listing import ArrivalState, ArrivedTake, Listing, TicketRequest
from rolltape.arrivals.paths import TRACKS, tracks_path
from rolltape.arrivals.tracks import ListedTracks, TracksRequest, TracksState, TracksTake
from rolltape.core.json_fields import Fields
from rolltape.pages import words
from rolltape.pages.director.tickets import Ask, Tickets
from rolltape.pages.document import Document
from rolltape.recording.clock_log import ClockLog

__all__ = ["Known", "Name", "TracksView", "tracks_words"]

KEPT = (ArrivalState.COMPLETE, ArrivalState.CUT)
WAITED_FOR = (TracksState.QUEUED, TracksState.MAKING)
BY_ITSELF = "tracks-by-themselves"
"""Where the choice is kept on this machine."""

Name = tuple[str, str]
"""Whose take it is, and its id."""


class Memory(Protocol):
    """What is kept on this machine (`interfaces.Browser`)."""

    def kept(self, name: str) -> str:
        """Return what was kept under a name; empty: nothing."""

    def keep(self, name: str, text: str) -> None:
        """Keep a text under a name."""


@dataclass(frozen=True)
class Known:
    """What this page knows of a take that its guest has reported."""

    used: bool
    """Whether it is ticked."""
    clock: ClockLog | None


class TracksView:
    """The tracks of the newest session; `told` is given the host's answer to what was pressed."""

    def __init__(
        self,
        document: Document,
        browser: Memory,
        ask: Ask,
        tickets: Tickets,
        told: Callable[[HostAnswer], None],
    ) -> None:
        self.known: Callable[[], Mapping[Name, Known]] = dict
        """What this page knows of takes, by their names."""
        self._document = document
        self._browser = browser
        self._ask = ask
        self._tickets = tickets
        self._told = told
        self._takes: Sequence[ArrivedTake] = ()
        self._tracks: ListedTracks | None = None
        self._is_offered = False
        self._asked_by_itself: object = None
        """What was asked for without a press: it is not asked for twice, whatever became of it."""
        document.tick("tracks-auto", browser.kept(BY_ITSELF) == "yes")
        document.on("tracks", "click", self._on_make)
        document.on("tracks-auto", "change", self._on_auto)
        document.on("tracks-cancel", "click", self._on_cancel)

    @property
    def files(self) -> tuple[object, ...]:
        """What is there; another value when that has changed."""
        return () if self._tracks is None else self._tracks.files

    @property
    def is_waited_for(self) -> bool:
        """True while they are being made, or wait for that."""
        return self._tracks is not None and self._tracks.state in WAITED_FOR

    async def use(self, listing: Listing, takes: Sequence[ArrivedTake]) -> None:
        """Take in what the host says; `takes` are those of the newest session."""
        session = takes[0].session if takes else ""
        before = self._tracks
        self._takes = takes
        self._is_offered = listing.makes_tracks
        self._tracks = next((one for one in listing.tracks if one.session == session), None)
        for file in self._tracks.files if self._tracks else ():
            await self._tickets.have(("track", file.name), file, TicketRequest(session, track=file.name))
        self._draw()
        if before is not None and before.state in WAITED_FOR and not self.is_waited_for:
            self._document.say(self._words())
        await self._make_by_itself()

    def _chosen(self) -> list[ArrivedTake]:
        """The takes that tracks would be made of."""
        known = self.known()
        return [
            one
            for one in self._takes
            if one.state in KEPT and ((own := known.get((one.uid, one.take))) is None or own.used)
        ]

    def _draw(self) -> None:
        document, tracks = self._document, self._tracks
        state = TracksState.NONE if tracks is None else tracks.state
        files = () if tracks is None else tracks.files
        chosen = self._chosen()
        document.show("tracks-panel", bool(tracks or (self._is_offered and chosen)))
        document.attribute("tracks", "data-state", state)
        is_again = bool(files) and state not in WAITED_FOR
        document.text("tracks", "Make them again" if is_again else "Make tracks")
        document.show("tracks", self._is_offered)
        document.show("tracks-auto-label", self._is_offered)
        document.enable("tracks", bool(chosen) and state not in WAITED_FOR)
        document.show("tracks-cancel", state in WAITED_FOR)
        document.text("tracks-facts", self._words())
        document.show("tracks-progress", state is TracksState.MAKING)
        document.attribute("tracks-progress", "value", f"{tracks.share if tracks else 0:.2f}")
        document.text("tracks-said", " ".join(tracks.said) if tracks else "")
        rows = document.rows("tracks-files", "track-template", [one.name for one in files])
        for file in files:
            row, ticket = rows[file.name], self._tickets.get(("track", file.name))
            row.text("track-fetch", file.name)
            row.text("track-facts", words.size(file.bytes))
            if ticket is not None:
                row.attribute("track-fetch", "href", ticket.path)

    def _words(self) -> str:
        return tracks_words(self._tracks, self._takes)

    async def _on_auto(self) -> None:
        self._browser.keep(BY_ITSELF, "yes" if self._document.ticked("tracks-auto") else "")
        await self._make_by_itself()

    async def _make_by_itself(self) -> None:
        """Ask for tracks when all of the session has arrived, and again when more of it has."""
        if not self._document.ticked("tracks-auto") or not self._is_offered or self.is_waited_for:
            return
        chosen = self._chosen()
        what = tuple((one.uid, one.take, _done_ms(one)) for one in chosen)
        is_new = self._tracks is None or _has_more_arrived(self._tracks, chosen)
        if is_new and self._asked_by_itself != what and all(one.state in KEPT for one in self._takes):
            self._asked_by_itself = what
            await self._on_make()

    async def _on_make(self) -> None:
        chosen, known = self._chosen(), self.known()
        if not chosen:
            return
        takes = []
        for one in chosen:
            own = known.get((one.uid, one.take))
            clock = own.clock.to_plain() if own is not None and own.clock is not None else None
            takes.append(TracksTake(one.uid, one.take, clock))
        self._document.enable("tracks", False)
        request = TracksRequest(chosen[0].session, tuple(takes))
        answer = await self._ask("POST", TRACKS, request.to_json())
        if answer.is_good:
            self._tracks = ListedTracks.from_fields(Fields.from_json(answer.text))
        self._told(answer)
        self._draw()

    async def _on_cancel(self) -> None:
        if self._takes:
            self._told(await self._ask("DELETE", tracks_path(self._takes[0].session), ""))


def tracks_words(tracks: ListedTracks | None, takes: Sequence[ArrivedTake]) -> str:
    """How far the tracks of a session are, of which these takes are at the host, in sentences."""
    state = TracksState.NONE if tracks is None else tracks.state
    if tracks is None or (state is TracksState.NONE and not tracks.files):
        about = (
            "A WAV for everybody and an MP4 where there are pictures, in step and equally long, with a mix."
        )
        return f"{about} {_missing(takes)}".strip()
    match state:
        case TracksState.QUEUED if tracks.ahead:
            return f"They wait until {_counted(tracks.ahead, 'other session')} before them are made."
        case TracksState.QUEUED:
            return "They are about to be made."
        case TracksState.MAKING if tracks.making:
            return f"Making {tracks.making}: {tracks.share:.0%}. What is there can be fetched already."
        case TracksState.MAKING:
            return "They are being made; what is there can be fetched already."
        case TracksState.FAILED:
            return "They could not be made." if not tracks.files else "Not all of them could be made."
        case TracksState.NONE:
            return "Cancelled. What had been made by then is here."
    size = words.size(sum(one.bytes for one in tracks.files))
    made = f"They are made: {_counted(len(tracks.files), 'file')}, {size}."
    if _has_more_arrived(tracks, takes):
        return f"{made} A recording has arrived since: make them again, and it is in them."
    return f"{made} {_missing(takes)}".strip()


def _has_more_arrived(tracks: ListedTracks, takes: Sequence[ArrivedTake]) -> bool:
    return any(_done_ms(one) > tracks.asked_ms for one in takes if one.state in KEPT)


def _missing(takes: Sequence[ArrivedTake]) -> str:
    missing = sum(one.state not in KEPT for one in takes)
    if not missing:
        return ""
    is_one = missing == 1
    return f"{_counted(missing, 'recording')} {'is' if is_one else 'are'} not there yet, and would not be in them."


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _done_ms(take: ArrivedTake) -> int:
    return max((part.seen_ms for part in take.parts), default=0)
