"""Small honest stand-ins for the document, the browser and the room's server, for what pages decide."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from rolltape.core.notice import Notice
from rolltape.core.notice_board import NoticeBoard
from rolltape.room.client import JoinReply, JoinRequest, RoomClient, RoomError
from rolltape.room.messages import Description, IceCandidate, IceServer
from rolltape.room.peers import Arriving, PeerMaker, SendLimits

Handler = Callable[[], Awaitable[None] | None]


class FakeView:
    """What was shown, by the name of the element."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.shown: dict[str, bool] = {}
        self.enabled: dict[str, bool] = {}
        self.attributes: dict[tuple[str, str], str] = {}
        self.pictures: dict[str, object | None] = {}
        self.values: dict[str, str] = {}
        self.sounds: dict[str, float] = {}
        self.handlers: dict[tuple[str, str], Handler] = {}
        self.closed = False

    def text(self, name: str, text: str) -> None:
        self.texts[name] = text

    def show(self, name: str, shown: bool) -> None:
        self.shown[name] = shown

    def enable(self, name: str, enabled: bool) -> None:
        self.enabled[name] = enabled

    def attribute(self, name: str, attribute: str, value: str) -> None:
        self.attributes[name, attribute] = value

    def picture(self, name: str, stream: object | None) -> None:
        self.pictures[name] = stream

    def sound(self, name: str, share: float) -> None:
        self.sounds[name] = share

    def fill(self, name: str, text: str) -> None:
        self.values[name] = text

    def value(self, name: str) -> str:
        return self.values.get(name, "")

    def options(self, name: str, options: Sequence[tuple[str, str]], chosen: str) -> None:
        self.values[name] = chosen

    def ticked(self, name: str) -> bool:
        return self.values.get(name) == "on"

    def tick(self, name: str, on: bool) -> None:
        self.values[name] = "on" if on else ""

    def files(self, name: str) -> Sequence[Any]:
        return []

    def on(self, name: str, event: str, handler: Handler) -> None:
        self.handlers[name, event] = handler


class FakeDocument(FakeView):
    """A page; tasks run in the test's own event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.notices: list[Notice] = []
        self.lists: dict[str, dict[str, FakeView]] = {}
        self.dialogs: dict[str, bool] = {}
        self.opened: dict[str, bool] = {}
        self.keys: dict[str, Handler] = {}
        self.tasks: set[asyncio.Future[None]] = set()
        self.page = ""
        self.said: list[str] = []
        self.dressed = 0
        self.board = NoticeBoard()

    def ready(self, page: str) -> None:
        self.page = page

    def notify(self, notice: Notice) -> None:
        self.notices.append(notice)
        self.board.tell(notice)

    def lift(self, subject: str) -> None:
        self.board.lift(subject)

    def standing(self) -> Sequence[Notice]:
        return self.board.standing

    def report(self, error: BaseException) -> None:
        raise error

    def trouble(self) -> str:
        return self.board.trouble

    def troubles_told(self) -> int:
        return self.board.troubles_told

    def forget_trouble(self) -> None:
        self.board.forget_trouble()

    def rows(self, name: str, template: str, ids: Sequence[str]) -> Mapping[str, FakeView]:
        before = self.lists.get(name, {})
        self.lists[name] = {id: before.get(id) or FakeView() for id in ids}
        return self.lists[name]

    def say(self, sentence: str) -> None:
        self.said.append(sentence)

    def focus(self, name: str) -> None:
        self.texts["focus"] = name

    def title(self, text: str) -> None:
        self.texts["title"] = text

    def dress(self) -> None:
        self.dressed += 1

    def dialog(self, name: str, opened: bool) -> None:
        self.dialogs[name] = opened

    def open(self, name: str, opened: bool) -> None:
        self.opened[name] = opened

    def on_key(self, key: str, handler: Handler) -> None:
        self.keys[key] = handler

    def guard(self, on: bool) -> None:
        self.shown["guard"] = on

    def spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def press(self, name: str, event: str = "click") -> None:
        """Click a button, or do what else is done to an element."""
        result = self.handlers[name, event]()
        if result is not None:
            self.spawn(result)


def uid_for(request: JoinRequest) -> str:
    """Who the test's server takes a page for."""
    return f"{request.push or 'uid'}-{request.secret}"


class FakeLine:
    """A connection to a server that says what the test has it say."""

    def __init__(self) -> None:
        self.client: RoomClient | None = None
        self.request: JoinRequest | None = None
        self.said: list[tuple[str, str]] = []
        self.refuse = ""
        self.closed = False
        self.ms = 1_764_000_000_000.0

    async def open(self, request: JoinRequest, client: RoomClient) -> None:
        self.request, self.client = request, client
        client.joined(JoinReply("token", uid_for(request), "key-1"))

    async def send(self, kind: str, text: str) -> str:
        if self.closed:
            raise RoomError("The room's server did not answer.")
        self.said.append((kind, text))
        return self.refuse

    def say(self, kind: str, text: str) -> None:
        self.said.append((kind, text))

    async def server_ms(self) -> float:
        return self.ms

    def close(self) -> None:
        self.closed = True


class FakeOutgoing:
    """What is sent to others."""

    def __init__(self) -> None:
        self.muted: dict[str, bool] = {}

    def mute(self, kind: str, on: bool) -> None:
        self.muted[kind] = on

    def close(self) -> None:
        return


class FakeConnection:
    """A connection that notes what it was told."""

    def __init__(
        self, polite: bool, say: Callable[[Description | IceCandidate], None], failed: Callable[[], None]
    ):
        self.polite, self.say, self.failed = polite, say, failed
        self.calls: list[object] = []
        self.limits: SendLimits | None = None

    async def offer(self) -> None:
        self.calls.append("offer")

    async def describe(self, description: Description) -> None:
        self.calls.append(description)

    async def candidate(self, candidate: IceCandidate) -> None:
        self.calls.append(candidate)

    async def limit(self, limits: SendLimits) -> None:
        self.limits = limits

    async def refresh(self) -> None:
        self.calls.append("refresh")

    async def arriving(self) -> Arriving:
        return Arriving(1.0)

    async def round_trip_ms(self) -> float | None:
        return 30.0

    def restart(self) -> None:
        self.calls.append("restart")

    def close(self) -> None:
        self.calls.append("close")


class FakeRoomBrowser:
    """The part of the browser that a room needs."""

    def __init__(self) -> None:
        self.line = FakeLine()
        self.sent = FakeOutgoing()
        self.memory: dict[str, str] = {}
        self.lasting: dict[str, str] = {}
        self.held: set[str] = set()
        self.log_lines: list[str] = []
        self.made: list[FakeConnection] = []
        self.servers: list[Sequence[IceServer]] = []
        """Which each of them was made with."""
        self.ms = 1000.0
        self.reloaded = False
        self.leaving: list[Callable[[], None]] = []

    def on_leaving(self, handler: Callable[[], None]) -> None:
        self.leaving.append(handler)

    def now_ms(self) -> float:
        return self.ms

    def is_reload(self) -> bool:
        return self.reloaded

    def room_line(self) -> FakeLine:
        return self.line

    def outgoing(self) -> FakeOutgoing:
        return self.sent

    def peer_maker(self, outgoing: object) -> PeerMaker:
        return self._connection

    def _connection(
        self,
        servers: Sequence[IceServer],
        polite: bool,
        say: Callable[[Description | IceCandidate], None],
        show: Callable[[object | None], None],
        failed: Callable[[], None],
    ) -> FakeConnection:
        self.made.append(FakeConnection(polite, say, failed))
        self.servers.append(servers)
        return self.made[-1]

    async def running(self) -> Collection[str]:
        return frozenset(self.held)

    async def hold(self, name: str) -> Callable[[], None]:
        self.held.add(name)
        return lambda: self.held.discard(name)

    def remember(self, name: str, value: str) -> None:
        self.memory[name] = value

    def remembered(self, name: str) -> str:
        return self.memory.get(name, "")

    def keep(self, name: str, value: str) -> None:
        self.lasting[name] = value

    def kept(self, name: str) -> str:
        return self.lasting.get(name, "")

    def log(self, sentence: str) -> None:
        self.log_lines.append(sentence)
