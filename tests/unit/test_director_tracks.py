"""The director's page has tracks made at the host: what is said is so, and what is asked for is what is ticked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace

import pytest

from page_fakes import FakeDocument
from rolltape.arrivals.interfaces import HostAnswer
from rolltape.arrivals.listing import ArrivalState, ArrivedPart, ArrivedTake, Listing, Ticket
from rolltape.arrivals.problem import Problem, ProblemKind
from rolltape.arrivals.tracks import ListedTracks, TrackFile, TracksState
from rolltape.core.json_fields import compact_json
from rolltape.pages.director.tickets import Tickets
from rolltape.pages.director.tracks import Known, TracksView, tracks_words
from rolltape.recording.clock_log import ClockLog

AT_MS = 1_764_381_600_000
PART = ArrivedPart("part1", ArrivalState.COMPLETE, "video/webm", 12_000_000, "Ada.webm", seen_ms=AT_MS)
ADA = ArrivedTake("ada", "1764381600000-0a1b2c3d", "s1", "Ada", 1, AT_MS, (PART,))
BEN = replace(ADA, uid="ben", label="Ben")
COMING = replace(BEN, parts=(replace(PART, state=ArrivalState.OPEN),))
WAV = TrackFile("Ada.wav", 50_000_000, "0" * 64, 17, AT_MS + 2000)
TRACKS = ListedTracks("s1", TracksState.READY, AT_MS + 1000, (WAV,))


@dataclass
class Scene:
    """A host that answers what it is told to."""

    answer: HostAnswer = field(default_factory=lambda: HostAnswer(204))
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    told: list[HostAnswer] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.document = FakeDocument()
        self.memory: dict[str, str] = {}
        self.view = TracksView(
            self.document, self, self.ask, Tickets(self.ask, lambda: 0.0), self.told.append
        )

    def kept(self, name: str) -> str:
        return self.memory.get(name, "")

    def keep(self, name: str, text: str) -> None:
        self.memory[name] = text

    @property
    def made(self) -> int:
        """How often tracks were asked for."""
        return sum(path == "api/tracks" for _, path, _ in self.asked)

    async def ask(self, method: str, path: str, body: str) -> HostAnswer:
        self.asked.append((method, path, body))
        if path == "api/tickets":
            name = json.loads(body)["track"]
            return HostAnswer(200, Ticket(f"api/files/T/{name}", 1, name).to_json())
        return self.answer

    def use(self, *takes: ArrivedTake, tracks: ListedTracks | None = None, offered: bool = True) -> None:
        listing = Listing(takes, offered, () if tracks is None else (tracks,))
        asyncio.run(self.view.use(listing, takes))

    def press(self, name: str, event: str = "click") -> None:
        work = self.document.handlers[name, event]()
        assert work is not None
        asyncio.run(_awaited(work))


async def _awaited(work: Awaitable[None]) -> None:
    await work


def test_where_the_host_makes_none_nothing_is_shown() -> None:
    scene = Scene()
    scene.use(ADA, offered=False)
    assert not scene.document.shown["tracks-panel"]
    scene.use(ADA, tracks=TRACKS, offered=False)
    assert scene.document.shown["tracks-panel"] and not scene.document.shown["tracks"]


def test_before_anything_has_arrived_nothing_is_shown() -> None:
    scene = Scene()
    scene.use(COMING)
    assert not scene.document.shown["tracks-panel"]


def test_what_is_ticked_is_asked_for_with_what_is_known_of_its_clock() -> None:
    scene = Scene()
    clock = ClockLog("Chromium 156")
    eve = replace(ADA, uid="eve")
    scene.view.known = lambda: {("ada", ADA.take): Known(True, clock), ("eve", ADA.take): Known(False, clock)}
    scene.answer = HostAnswer(
        200, compact_json(replace(TRACKS, state=TracksState.QUEUED, files=()).to_plain())
    )
    scene.use(ADA, BEN, eve)
    scene.press("tracks")

    ((_, path, body),) = [one for one in scene.asked if one[0] == "POST" and one[1] != "api/tickets"]
    assert path == "api/tracks"
    assert json.loads(body) == {
        "session": "s1",
        "takes": [
            {"uid": "ada", "take": ADA.take, "clock": clock.to_plain()},
            {"uid": "ben", "take": ADA.take, "clock": None},
        ],
    }
    assert scene.document.attributes["tracks", "data-state"] == "queued"
    assert not scene.document.enabled["tracks"]


def test_each_file_has_its_link_as_soon_as_it_is_there() -> None:
    scene = Scene()
    making = replace(TRACKS, state=TracksState.MAKING, making="Ben.wav", share=0.25)
    scene.use(ADA, BEN, tracks=making)

    document = scene.document
    (row,) = document.lists["tracks-files"].values()
    assert (row.texts["track-fetch"], row.texts["track-facts"]) == ("Ada.wav", "50.0 MB")
    assert row.attributes["track-fetch", "href"] == "api/files/T/Ada.wav"
    assert document.attributes["tracks", "data-state"] == "making"
    assert document.attributes["tracks-progress", "value"] == "0.25" and document.shown["tracks-progress"]
    assert document.shown["tracks-cancel"] and not document.enabled["tracks"]

    scene.use(ADA, BEN, tracks=TRACKS)
    assert not document.shown["tracks-cancel"] and document.enabled["tracks"]
    assert document.texts["tracks"] == "Make them again"
    assert document.said == ["They are made: 1 file, 50.0 MB."]


def test_by_themselves_they_are_made_when_all_has_arrived_and_anew_when_more_has() -> None:
    scene = Scene()
    scene.use(ADA)
    assert scene.made == 0, "nobody has switched it on"
    scene.document.tick("tracks-auto", True)
    scene.use(ADA, COMING)
    assert scene.made == 0, "one is still on its way"

    scene.answer = HostAnswer(200, compact_json(replace(TRACKS, state=TracksState.QUEUED).to_plain()))
    scene.use(ADA, BEN)
    assert scene.made == 1
    scene.use(ADA, BEN, tracks=replace(TRACKS, state=TracksState.MAKING))
    scene.use(ADA, BEN, tracks=TRACKS)
    scene.use(ADA, BEN, tracks=replace(TRACKS, state=TracksState.NONE))
    assert scene.made == 1, "also if they were cancelled"

    late = replace(BEN, uid="late", parts=(replace(PART, seen_ms=AT_MS + 5000),))
    scene.use(ADA, BEN, late, tracks=TRACKS)
    assert scene.made == 2


def test_what_is_refused_is_not_asked_for_again_by_itself() -> None:
    scene = Scene(HostAnswer(503, Problem(ProblemKind.SERVER, 503, "Not now.").to_json()))
    scene.document.tick("tracks-auto", True)
    for _ in range(3):
        scene.use(ADA)
    assert scene.made == 1 and len(scene.told) == 1


def test_the_choice_is_kept_on_this_machine() -> None:
    scene = Scene()
    scene.document.tick("tracks-auto", True)
    scene.press("tracks-auto", "change")
    again = TracksView(scene.document, scene, scene.ask, Tickets(scene.ask, lambda: 0.0), scene.told.append)
    assert scene.document.ticked("tracks-auto") and again.files == ()
    scene.document.tick("tracks-auto", False)
    scene.press("tracks-auto", "change")
    assert set(scene.memory.values()) == {""}


def test_cancelling_names_the_session() -> None:
    scene = Scene()
    scene.use(ADA, tracks=replace(TRACKS, state=TracksState.MAKING))
    scene.press("tracks-cancel")
    assert ("DELETE", "api/tracks/s1", "") in scene.asked and len(scene.told) == 1


def test_what_the_host_refuses_is_handed_on_and_can_be_asked_again() -> None:
    scene = Scene()
    refusal = Problem(ProblemKind.SERVER, 503, "Not now.")
    scene.answer = HostAnswer(503, refusal.to_json())
    scene.use(ADA)
    scene.press("tracks")
    assert scene.told == [scene.answer] and scene.document.enabled["tracks"]
    assert scene.document.attributes["tracks", "data-state"] == "none"


@pytest.mark.parametrize(
    ("tracks", "takes", "said"),
    [
        (
            None,
            (ADA,),
            "A WAV for everybody and an MP4 where there are pictures, in step and equally long, with a mix.",
        ),
        (None, (ADA, COMING), "1 recording is not there yet, and would not be in them."),
        (replace(TRACKS, state=TracksState.QUEUED), (ADA,), "They are about to be made."),
        (
            replace(TRACKS, state=TracksState.QUEUED, ahead=2),
            (ADA,),
            "They wait until 2 other sessions before them are made.",
        ),
        (
            replace(TRACKS, state=TracksState.MAKING, making="Ben.mp4", share=0.5),
            (ADA,),
            "Making Ben.mp4: 50%. What is there can be fetched already.",
        ),
        (
            replace(TRACKS, state=TracksState.MAKING),
            (ADA,),
            "They are being made; what is there can be fetched already.",
        ),
        (TRACKS, (ADA,), "They are made: 1 file, 50.0 MB."),
        (
            TRACKS,
            (ADA, replace(BEN, parts=(replace(PART, seen_ms=AT_MS + 5000),))),
            "A recording has arrived since: make them again, and it is in them.",
        ),
        (replace(TRACKS, state=TracksState.FAILED, files=()), (ADA,), "They could not be made."),
        (replace(TRACKS, state=TracksState.FAILED), (ADA,), "Not all of them could be made."),
        (replace(TRACKS, state=TracksState.NONE), (ADA,), "Cancelled. What had been made by then is here."),
    ],
)
def test_every_state_is_told_as_it_is(
    tracks: ListedTracks | None, takes: tuple[ArrivedTake, ...], said: str
) -> None:
    assert tracks_words(tracks, takes).endswith(said)


def test_what_could_not_be_made_is_told_in_the_hosts_words() -> None:
    scene = Scene()
    scene.use(ADA, tracks=replace(TRACKS, said=("Ben.webm is damaged.", "There is silence.")))
    assert scene.document.texts["tracks-said"] == "Ben.webm is damaged. There is silence."
