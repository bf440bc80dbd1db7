"""What a director sees of takes that arrive: true states, and links that open what is there."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest

from page_fakes import FakeDocument, FakeView
from rolltape.arrivals.interfaces import HostAnswer
from rolltape.arrivals.listing import ArrivalState, ArrivedPart, ArrivedTake, Listing, Ticket
from rolltape.arrivals.problem import Problem, ProblemKind
from rolltape.arrivals.wire import UploadOffer
from rolltape.pages.director import arrivals
from rolltape.pages.director.arrivals import ArrivalsView, arrival_words, row_state
from rolltape.pages.interfaces import Browser
from rolltape.room.messages import Arrived, GuestState

NOW_MS = 1_764_381_600_000.0
PART = ArrivedPart("part1", ArrivalState.OPEN, "video/webm", 12_000_000, seen_ms=int(NOW_MS) - 1000)
TAKE = ArrivedTake("ada", "1764381600000-0a1b2c3d", "s1", "Ada", 1, int(NOW_MS) - 60_000, (PART,))
DONE = replace(TAKE, parts=(replace(PART, state=ArrivalState.COMPLETE, name="Ada_take1.webm"),))
NAME = ("ada", TAKE.take)


@dataclass
class ListHost:
    """A host that keeps these takes."""

    takes: list[ArrivedTake]
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    refusal: Problem | None = None
    silent: bool = False
    now_ms: int | None = None

    async def ask(self, method: str, path: str, token: str, body: str = "") -> HostAnswer:
        assert token == "TOKEN"
        self.asked.append((method, path, body))
        if method == "GET":
            return HostAnswer(200, Listing(tuple(self.takes), now_ms=self.now_ms).to_json())
        if self.silent:
            return HostAnswer(0)
        if self.refusal is not None:
            return HostAnswer(self.refusal.status, self.refusal.to_json())
        if method == "DELETE":
            self.takes = []
            return HostAnswer(204)
        if path == "api/tickets":
            wanted = json.loads(body)
            name = f"{wanted['session']}.zip" if wanted["session"] else "Ada_take1.webm"
            return HostAnswer(
                200, Ticket(f"api/files/TICKET{len(self.asked)}/{name}", 12_000_000, name).to_json()
            )
        return HostAnswer(200, "{}")


class Scene:
    def __init__(self, *takes: ArrivedTake) -> None:
        self.host = ListHost(list(takes))
        self.document = FakeDocument()
        self.hired = 0
        self.changes = 0
        self.view = ArrivalsView(self.document, cast(Browser, self), self._changed)

    def _changed(self) -> None:
        self.changes += 1

    def upload_host(self) -> ListHost:
        self.hired += 1
        return self.host

    def now_ms(self) -> float:
        return 1000.0

    def kept(self, name: str) -> str:
        return ""

    def log(self, sentence: str) -> None:
        raise AssertionError(sentence)

    async def look(self) -> None:
        self.view.offered(UploadOffer("TOKEN", 0, to="takes.example"))
        await settle()


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


def run(story: Coroutine[Any, Any, None], scene: Scene) -> None:
    async def whole() -> None:
        try:
            await story
        finally:
            for task in scene.document.tasks:
                task.cancel()

    asyncio.run(whole())


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW_MS / 1000)
    monkeypatch.setattr(arrivals, "LEAST_S", 0)


@pytest.mark.parametrize(
    ("take", "state", "said"),
    [
        (TAKE, "sending", "Arriving: 12.0 MB so far."),
        (DONE, "arrived", "Arrived: 12.0 MB."),
        (
            replace(DONE, parts=(replace(DONE.parts[0], problem="It is no longer what arrived."),)),
            "arrived",
            "Arrived: 12.0 MB. It is no longer what arrived.",
        ),
        (
            replace(TAKE, parts=(replace(PART, state=ArrivalState.PROVING),)),
            "closing",
            "All of it is there, 12.0 MB; it is being compared.",
        ),
        (
            replace(TAKE, parts=(replace(PART, seen_ms=int(NOW_MS) - 90_000),)),
            "waiting",
            "12.0 MB have arrived; nothing has come for 1:30. It goes on when the guest's page is open.",
        ),
        (
            replace(
                TAKE, parts=(replace(PART, state=ArrivalState.CUT, problem="The last 4 s are missing."),)
            ),
            "arrived",
            "Finished from what had arrived: 12.0 MB. The last 4 s are missing.",
        ),
    ],
)
def test_every_state_is_told_as_it_is(take: ArrivedTake, state: str, said: str) -> None:
    assert row_state(take, NOW_MS) == state
    assert arrival_words(take, NOW_MS) == said


@pytest.mark.parametrize("ahead_ms", [-3_600_000, 3_600_000])
def test_that_nothing_comes_is_judged_by_the_hosts_clock_whatever_the_directors_says(ahead_ms: int) -> None:
    scene, row = Scene(TAKE), FakeView()
    scene.host.now_ms = int(NOW_MS) - ahead_ms

    async def story() -> None:
        for silent_s, state in ((1, "sending"), (20, "waiting")):
            scene.host.takes = [
                replace(TAKE, parts=(replace(PART, seen_ms=int(NOW_MS) - ahead_ms - 1000 * silent_s),))
            ]
            await scene.look()
            scene.view.fill(row, NAME)
            assert row.attributes["", "data-state"] == state
            assert not row.shown["finish"], "the host would refuse it"
        scene.view.heard("ada", Arrived(TAKE.take, "part1", 13_000_000, ArrivalState.OPEN))
        scene.view.fill(row, NAME)
        assert row.attributes["", "data-state"] == "sending"

    run(story(), scene)


def test_a_take_of_which_nothing_comes_any_more_is_drawn_anew_though_the_list_is_the_same() -> None:
    """Else a director whose guest is gone for good is never offered to have it finished."""
    scene = Scene(TAKE)

    async def story() -> None:
        await scene.look()
        before, row = scene.changes, FakeView()
        scene.view.fill(row, NAME)
        assert not row.shown["finish"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(time, "time", lambda: NOW_MS / 1000 + 60)
            scene.view.hurry()
            await settle()
            assert scene.changes > before
            scene.view.fill(row, NAME)
            assert row.shown["finish"]

    run(story(), scene)


def test_what_did_not_come_and_what_was_taken_back_is_told_as_that() -> None:
    scene = Scene(replace(TAKE, parts=(replace(PART, state=ArrivalState.DELETED),)))

    async def story() -> None:
        await scene.look()
        row, other = FakeView(), FakeView()
        scene.view.fill(row, NAME)
        scene.view.fill(other, ("ben", "nothing"))

        assert row.texts["session-arrival"] == "Taken back by its guest, or deleted."
        assert other.texts["session-arrival"] == "Nothing of it has come to the host."

    run(story(), scene)


def test_where_the_host_keeps_nothing_nothing_is_asked() -> None:
    scene = Scene()
    row = FakeView()

    scene.view.fill(row, NAME)

    assert scene.hired == 0
    assert row.attributes["", "data-state"] == "off"
    assert row.texts["session-arrival"] == ""
    assert not row.shown["fetch"]


def test_what_has_arrived_can_be_fetched_alone_and_with_all_others() -> None:
    scene = Scene(DONE)

    async def story() -> None:
        await scene.look()
        row = FakeView()
        scene.view.fill(row, NAME)

        assert row.attributes["", "data-state"] == "arrived"
        assert row.shown["fetch"]
        assert row.attributes["fetch", "href"].endswith("Ada_take1.webm")
        assert scene.document.shown["fetch-all"]
        assert scene.document.attributes["fetch-all", "href"].endswith("s1.zip")
        assert (
            scene.document.texts["fetch-all-facts"]
            == "1 recording, 12.0 MB, as one zip with the session file"
        )

    run(story(), scene)


def test_links_are_made_once_and_anew_when_more_has_arrived() -> None:
    scene = Scene(DONE)

    async def story() -> None:
        await scene.look()
        scene.view.hurry()
        await settle()
        assert sum(path == "api/tickets" for _, path, _ in scene.host.asked) == 2

        scene.host.takes.append(replace(DONE, uid="bob"))
        scene.view.hurry()
        await settle()
        assert sum(path == "api/tickets" for _, path, _ in scene.host.asked) == 4

    run(story(), scene)


def test_what_is_on_its_way_has_no_link_yet() -> None:
    scene = Scene(TAKE)

    async def story() -> None:
        await scene.look()
        row = FakeView()
        scene.view.fill(row, NAME)

        assert not row.shown["fetch"]
        assert not scene.document.shown["fetch-all"]
        assert scene.view.card("ada", GuestState(take_id=TAKE.take)) == "Arriving: 12.0 MB so far."
        assert scene.view.card("bob", GuestState()) == ""

    run(story(), scene)


def test_deleting_is_asked_twice() -> None:
    scene = Scene(DONE)

    async def story() -> None:
        await scene.look()
        row = FakeView()
        scene.view.wire(row, NAME)
        for _ in range(2):
            row.values["delete"] = row.attributes.get(("delete", "value"), "")
            deleted = [path for method, path, _ in scene.host.asked if method == "DELETE"]
            assert deleted == []
            await cast(Any, row.handlers["delete", "click"]())
            sure = row.attributes.get(("delete", "value"), "")
            assert row.texts["delete"] == ("Delete at the host for good?" if sure else "Delete")
        await settle()

        assert ("DELETE", f"api/takes/{TAKE.take}?uid=ada", "") in scene.host.asked
        assert scene.view.takes == {}

    run(story(), scene)


def test_what_the_host_refuses_is_told_in_its_words() -> None:
    scene = Scene(replace(TAKE, parts=(replace(PART, seen_ms=0),)))
    scene.host.refusal = Problem(ProblemKind.SERVER, 503, "It cannot be finished right now.")

    async def story() -> None:
        await scene.look()
        row = FakeView()
        scene.view.wire(row, NAME)
        scene.view.fill(row, NAME)
        assert row.shown["finish"]
        await cast(Any, row.handlers["finish", "click"]())

        assert [notice.text for notice in scene.document.notices] == ["It cannot be finished right now."]
        scene.host.refusal, scene.host.silent = None, True
        await cast(Any, row.handlers["finish", "click"]())
        assert scene.document.notices[-1].text == "The host does not answer right now."

    run(story(), scene)


def test_the_list_is_asked_for_at_once_when_the_host_says_that_something_is_new() -> None:
    scene = Scene(TAKE)

    async def story() -> None:
        await scene.look()
        asked = len(scene.host.asked)
        scene.view.heard("ada", Arrived(TAKE.take, "part1", 13_000_000, ArrivalState.OPEN))
        await settle()
        assert len(scene.host.asked) == asked
        scene.view.heard("ben", Arrived(TAKE.take, "part1", 0, ArrivalState.OPEN))
        await settle()
        assert len(scene.host.asked) == asked + 1
        scene.view.heard("ada", Arrived(TAKE.take, "part1", 14_000_000, ArrivalState.COMPLETE))
        await settle()
        assert len(scene.host.asked) == asked + 2

    run(story(), scene)


def test_what_the_room_tells_is_shown_without_asking_and_what_is_new_is_asked() -> None:
    scene = Scene(TAKE)

    async def story() -> None:
        await scene.look()
        asked = len(scene.host.asked)

        scene.view.heard("ada", Arrived(TAKE.take, "part1", 13_000_000, ArrivalState.OPEN))
        await settle()
        assert scene.view.takes[NAME].bytes == 13_000_000
        assert len(scene.host.asked) == asked

        scene.host.takes = [DONE]
        scene.view.heard("ada", Arrived(TAKE.take, "part1", 13_000_000, ArrivalState.COMPLETE))
        await settle()
        assert scene.view.takes[NAME].state is ArrivalState.COMPLETE

    run(story(), scene)
