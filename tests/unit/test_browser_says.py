"""What is said where the browser does something badly: recorders, places to write, devices, the room's line."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, ClassVar, TypeVar

import pytest

from browser_stubs import JsException, JsNull, Target, stubbed_browser
from page_fakes import FakeDocument
from rolltape.core.errors import EngineError, NotTaken, RolltapeError, SinkError, StorageFull, Unsupported
from rolltape.core.notice import Level, Notice
from rolltape.room.client import JoinRequest, RoomClient, RoomError
from rolltape.room.messages import Role
from rolltape.settings.bitrate import Rates
from rolltape.settings.capture_constraints import Constraints

_Value = TypeVar("_Value")
_Error = TypeVar("_Error", bound=RolltapeError)

CLOCK = SimpleNamespace(now=lambda: 1000.0)


def run(story: Callable[[], Awaitable[_Value]]) -> _Value:
    async def limited() -> _Value:
        async with asyncio.timeout(10):
            return await story()

    return asyncio.run(limited())


def refused(kind: type[_Error], story: Callable[[], Awaitable[object]]) -> str:
    """The sentence of the error in which it ends."""
    with pytest.raises(kind) as caught:
        run(story)
    return caught.value.sentence


async def turns(count: int = 20) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


CAMERA = SimpleNamespace(getVideoTracks=lambda: ["its track"])


class StubRecorder(Target):
    """A MediaRecorder that does nothing by itself."""

    made: ClassVar[list[StubRecorder]] = []

    def __init__(self, stream: object) -> None:
        super().__init__()
        self.stream = stream
        self.state = "inactive"
        self.made.append(self)

    @classmethod
    def new(cls, stream: object, **options: object) -> StubRecorder:
        return cls(stream)

    def start(self, timeslice_ms: int) -> None:
        self.state = "recording"

    def stop(self) -> None:
        self.state = "inactive"


@pytest.fixture
def recorders() -> Iterator[Any]:
    """The module of recorders, over MediaRecorders that do nothing by themselves."""
    StubRecorder.made.clear()
    with stubbed_browser(MediaRecorder=StubRecorder, performance=CLOCK, window=object()) as load:
        yield load("rolltape.browser.recorder")


def a_recorder(recorders: Any) -> tuple[Any, StubRecorder]:
    made = recorders.Recorder(CAMERA, "video/webm", Rates(2500, 128))
    return made, StubRecorder.made[-1]


def test_a_recorder_that_says_nothing_after_its_start_is_given_up(
    recorders: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorders, "START_TIMEOUT_S", 0.01)

    async def story() -> None:
        recorder, _ = a_recorder(recorders)
        await recorder.start()

    assert refused(EngineError, story) == "The browser's recorder did not begin."
    assert StubRecorder.made[-1].state == "inactive", "it does not go on unheard"


def test_a_recorder_that_stops_before_it_has_begun_is_told_as_that(recorders: Any) -> None:
    async def story() -> None:
        recorder, browsers = a_recorder(recorders)
        starting = asyncio.ensure_future(recorder.start())
        await turns()
        browsers.fire("stop", SimpleNamespace())
        await starting

    assert refused(EngineError, story) == "The browser's recorder stopped before it began."


def test_a_recorder_that_the_browser_does_not_start_is_told_as_that(recorders: Any) -> None:
    def refuse(timeslice_ms: int) -> None:
        raise JsException("SecurityError", "isolated")

    async def story() -> None:
        recorder, browsers = a_recorder(recorders)
        browsers.start = refuse  # type: ignore[method-assign]
        await recorder.start()

    assert refused(EngineError, story) == "The browser's recorder does not start."


def test_a_chunk_that_cannot_be_read_is_told_as_that(recorders: Any) -> None:
    async def unreadable() -> object:
        raise JsException("NotReadableError", "it is gone")

    async def story() -> None:
        recorder, browsers = a_recorder(recorders)
        blob = SimpleNamespace(size=1, arrayBuffer=unreadable)
        browsers.fire("dataavailable", SimpleNamespace(data=blob))
        async for _ in recorder.chunks():
            pass

    assert refused(EngineError, story) == "What the browser recorded cannot be read."


@pytest.mark.parametrize(
    ("cause", "sentence", "detail"),
    [
        (None, "The browser's recorder broke off.", ""),
        (
            SimpleNamespace(name="SecurityError", message="tainted"),
            "The browser's recorder broke off.",
            "SecurityError: tainted",
        ),
        (
            SimpleNamespace(name="EncodingError", message="no frame"),
            "The browser's encoder failed.",
            "EncodingError: no frame",
        ),
    ],
)
def test_a_recorder_that_breaks_off_says_why_as_far_as_the_browser_tells(
    recorders: Any, cause: object, sentence: str, detail: str
) -> None:
    async def story() -> tuple[str, str]:
        recorder, browsers = a_recorder(recorders)
        starting = asyncio.ensure_future(recorder.start())
        await turns()
        browsers.fire("start", SimpleNamespace())
        await starting
        browsers.fire("error", SimpleNamespace(error=cause))
        browsers.fire("stop", SimpleNamespace())
        assert [chunk async for chunk in recorder.chunks()] == []
        recorder.close()
        return recorder.error.sentence, recorder.error.detail

    assert run(story) == (sentence, detail)


class StubMicrophone:
    """A microphone that gives a buffer now and then, while its counter is looked at."""

    enabled, muted = True, False

    def __init__(self) -> None:
        self.given, self.looks = 0, 0

    @property
    def stats(self) -> SimpleNamespace:
        self.looks += 1
        self.given += 480 if self.looks % 4 == 0 else 0
        return SimpleNamespace(deliveredFrames=self.given, totalFrames=self.given + 99_999)


@pytest.mark.parametrize(("held_up", "is_known"), [(0, True), (1, True), (4, True), (5, False), (99, False)])
def test_a_page_that_is_held_up_while_sound_begins_does_not_claim_where_it_began(
    recorders: Any, held_up: int, is_known: bool
) -> None:
    microphone = StubMicrophone()
    stream = SimpleNamespace(getVideoTracks=lambda: [], getAudioTracks=lambda: [microphone])
    began_at: list[int] = []

    class HeldUp(StubRecorder):
        def start(self, timeslice_ms: int) -> None:
            microphone.given += 480 if len(began_at) < held_up else 0
            began_at.append(microphone.given)
            super().start(timeslice_ms)

    async def story() -> int | None:
        recorders.js.MediaRecorder = HeldUp
        recorder = recorders.Recorder(stream, "audio/webm", Rates(None, 128))
        starting = asyncio.ensure_future(recorder.start())
        while not starting.done():
            await turns(1)
            if StubRecorder.made[-1].state == "recording":
                StubRecorder.made[-1].fire("start", SimpleNamespace())
        await starting
        first_frame: int | None = recorder.first_frame
        return first_frame

    first_frame = run(story)

    *given_up, last = StubRecorder.made
    assert len(given_up) == min(held_up, 4) and all(one.state == "inactive" for one in given_up)
    assert last.state == "recording"
    assert first_frame == (began_at[-1] if is_known else None)


class StubGraph:
    """An audio graph that a browser runs, or does not."""

    sample_rate_hz = 48_000

    def __init__(self, running: bool) -> None:
        self.running = running
        self.node = Target()
        self.node.port = Target()  # type: ignore[attr-defined]
        self.node.port.start = lambda: None  # type: ignore[attr-defined]
        self.node.port.postMessage = lambda message: None  # type: ignore[attr-defined]
        self.closed = False

    async def resume(self) -> None:
        return

    async def worklet(self, script: str, name: str) -> Target:
        return self.node

    def tap(self, node: Target) -> None:
        return

    async def close(self) -> None:
        self.closed = True


@pytest.fixture
def pcm() -> Iterator[Any]:
    with stubbed_browser(performance=CLOCK, window=object()) as load:
        yield load("rolltape.browser.pcm")


def test_lossless_sound_of_which_the_browser_gives_none_is_not_begun(pcm: Any) -> None:
    async def story() -> None:
        await pcm.PcmRecorder(StubGraph(running=False), "audio/wav").start()

    assert refused(EngineError, story) == "This browser gives the page no sound to record."


def test_a_recorder_of_lossless_sound_that_fails_ends_with_what_it_gave(pcm: Any) -> None:
    async def story() -> tuple[int, str, bool]:
        graph = StubGraph(running=True)
        recorder = pcm.PcmRecorder(graph, "audio/wav")
        await recorder.start()
        graph.node.fire("processorerror", SimpleNamespace())
        chunks = [chunk async for chunk in recorder.chunks()]
        recorder.close()
        await turns()
        return len(chunks), recorder.error.sentence, graph.closed

    assert run(story) == (1, "The recorder of lossless sound failed.", True)


def test_what_arrives_is_not_taken_for_something_a_wav_file_can_be_made_of() -> None:
    with stubbed_browser(performance=CLOCK, window=object()) as load:
        inbound = load("rolltape.browser.inbound").Inbound(object(), "Ada")
        with pytest.raises(EngineError) as caught:
            inbound.engine("audio/wav", Rates(None, 0))

    assert caught.value.sentence == "What arrives cannot be recorded as WAV."


@pytest.mark.parametrize(
    ("secure", "sentence"),
    [
        (
            False,
            "This page gets no camera or microphone because it was not opened over HTTPS: open it by an address that "
            "begins with https://.",
        ),
        (True, "This browser gives pages no camera or microphone: use a current Chrome, Edge or Firefox."),
    ],
)
def test_a_page_that_gets_no_devices_says_whether_its_address_or_the_browser_is_the_cause(
    secure: bool, sentence: str
) -> None:
    with stubbed_browser(navigator=object(), window=SimpleNamespace(isSecureContext=secure)) as load:
        ask = load("rolltape.browser.capture").ask
        assert refused(Unsupported, lambda: ask(Constraints({}, {}))) == sentence


def test_a_service_worker_that_was_taken_away_is_told_and_leaves_nothing_open() -> None:
    ports: list[Any] = []

    class Channel:
        """Two ports, one of which nobody takes."""

        @classmethod
        def new(cls) -> Any:
            port = Target()
            port.start = lambda: None  # type: ignore[attr-defined]
            port.close = lambda: ports.append("closed")  # type: ignore[attr-defined]
            return SimpleNamespace(port1=port, port2=object())

    with stubbed_browser(MessageChannel=Channel, performance=CLOCK, navigator=object()) as load:
        module = load("rolltape.browser.download")
        registration = SimpleNamespace(active=JsNull())

        async def story() -> None:
            await module.Downloads(registration).create("t1", "Ada.webm", "video/webm")

        assert refused(SinkError, story) == "What writes downloads is not running."
    assert ports == ["closed"]


def test_what_does_not_fit_into_memory_is_told_and_the_rest_is_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    saved: list[tuple[str, list[bytes]]] = []

    class Blob:
        """What a browser makes of pieces."""

        @classmethod
        def new(cls, pieces: list[Any]) -> Any:
            return SimpleNamespace(pieces=[piece.data for piece in pieces], size=0)

    with stubbed_browser(Blob=Blob, performance=CLOCK) as load:
        module = load("rolltape.browser.download_at_end")
        monkeypatch.setattr(module, "MAY_HOLD_BYTES", 10)
        monkeypatch.setattr(
            module.StoredFile, "save", lambda self, name, kind: saved.append((name, self._file.pieces))
        )

        async def story() -> int:
            file = await module.DownloadsAtEnd().create("t1", "Ada.webm", "video/webm")
            for piece in (b"01234567", b"89", b"more", b"and more"):
                file.write(piece)
            with pytest.raises(StorageFull) as full:
                await file.settle()
            assert full.value.sentence == (
                "This page holds 1 GB of the recording; browsers close pages that hold more."
            )
            return int(await file.close())

        assert run(story) == 10
    assert saved == [("Ada.webm", [b"01234567", b"89"])]


@pytest.mark.parametrize("name", ["SecurityError", "AbortError"])
def test_a_picker_that_the_browser_does_not_show_is_told_and_one_that_was_closed_is_not(name: str) -> None:
    class Window:
        """A window whose picker is refused, or closed."""

        async def showDirectoryPicker(self, **wish: str) -> object:
            raise JsException(name, "no gesture")

    with stubbed_browser(window=Window(), performance=CLOCK) as load:
        choose = load("rolltape.browser.folder").choose
        if name == "AbortError":
            assert run(choose) is None
        else:
            assert refused(SinkError, choose) == (
                "The browser let no folder be chosen: recordings go where they went before."
            )


def test_a_file_that_the_browser_does_not_put_into_the_folder_is_not_taken_for_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stream:
        """A file of the browser's that is never put in its place."""

        async def write(self, command: object) -> None:
            return

        async def close(self) -> None:
            await asyncio.Event().wait()

    with stubbed_browser(window=Target(), performance=CLOCK) as load:
        module = load("rolltape.browser.folder")
        monkeypatch.setattr(module, "CLOSE_TIMEOUT_S", 0.01)

        async def story() -> None:
            file = module.FolderFile(object(), "Ada.webm", Stream())
            file.write(b"0123456789")
            await file.settle()
            await file.close()

        assert (
            refused(SinkError, story) == "The browser did not put the file into the folder within a minute."
        )


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        ("NotAllowedError", SinkError, "The folder you chose cannot be written any more."),
        ("QuotaExceededError", StorageFull, "The disk is full."),
    ],
)
def test_a_folder_that_takes_no_more_is_told_once_and_is_asked_no_more(
    name: str, kind: type[SinkError], sentence: str
) -> None:
    asked: list[object] = []

    class Stream:
        """A file that takes nothing any more."""

        async def write(self, command: object) -> None:
            asked.append(command)
            raise JsException(name, "")

    with stubbed_browser(window=Target(), performance=CLOCK) as load:
        module = load("rolltape.browser.folder")

        async def story() -> SinkError:
            file = module.FolderFile(object(), "Ada.webm", Stream())
            file.write(b"0123456789")
            await turns()
            file.write(b"0123456789")
            assert len(asked) == 1
            return file.error  # type: ignore[no-any-return]

        error = run(story)
    assert (type(error).__name__, error.sentence) == (kind.__name__, sentence)


@pytest.mark.parametrize(
    ("name", "kind", "sentence"),
    [
        ("OverconstrainedError", "DeviceNotFound", "No device can do what was asked."),
        (
            "NotReadableError",
            "DeviceBusy",
            "The device cannot be read; another program may be using it.",
        ),
        ("NotSupportedError", "EngineError", "This browser cannot record that way."),
        ("InvalidStateError", "EngineError", "The browser was not ready for that."),
        ("InvalidModificationError", "EngineError", "The tracks changed while they were recorded."),
        ("OfNoUse", "RolltapeError", "The browser reported an error."),
    ],
)
def test_what_a_browser_raises_is_a_sentence_of_its_kind(name: str, kind: str, sentence: str) -> None:
    with stubbed_browser() as load:
        error = load("rolltape.browser.interop").error_of(name, "in its words")

    assert (type(error).__name__, error.sentence) == (kind, sentence)
    assert error.detail == f"{name}: in its words"


def test_storage_that_never_answers_holds_up_no_page(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> object:
        return await asyncio.Event().wait()

    navigator = SimpleNamespace(storage=SimpleNamespace(getDirectory=never))
    with stubbed_browser(navigator=navigator, performance=CLOCK) as load:
        module = load("rolltape.browser.journal")
        monkeypatch.setattr(module, "OPEN_TIMEOUT_S", 0.01)
        sentence = refused(Unsupported, module.Journal.open)

    assert sentence == "This browser's storage that survives a crash does not answer."


class StubSocket(Target):
    """A WebSocket to a server that lets everybody in and then says no more."""

    OPEN = 1
    made: ClassVar[list[StubSocket]] = []

    def __init__(self) -> None:
        super().__init__()
        self.readyState = self.OPEN
        self.sent: list[str] = []
        self.made.append(self)

    @classmethod
    def new(cls, address: str) -> StubSocket:
        return cls()

    def send(self, frame: str) -> None:
        self.sent.append(frame)

    def close(self) -> None:
        self.readyState = 3


def test_a_line_that_breaks_while_an_answer_is_awaited_is_told_at_once() -> None:
    class Answer:
        """The server's word on a request to join."""

        status, ok = 200, True

        async def text(self) -> str:
            return '{"token": "t", "uid": "u1", "key_id": "k1"}'

    async def fetch(address: str, **request: object) -> Answer:
        return Answer()

    named = {"fetch": fetch, "WebSocket": StubSocket, "document": SimpleNamespace(baseURI="https://x/")}
    url = SimpleNamespace(new=lambda path, base: SimpleNamespace(href=base + path))
    signal = SimpleNamespace(timeout=lambda ms: None)
    with stubbed_browser(URL=url, AbortSignal=signal, console=object(), **named) as load:
        line = load("rolltape.browser.socket").SocketLine()

        async def story() -> None:
            client = RoomClient(line, SimpleNamespace())
            await line.open(JoinRequest("studio", Role.GUEST, "", "secret", "Ada"), client)
            await turns()
            asking = asyncio.ensure_future(line.send("command", "{}"))
            await turns()
            StubSocket.made[-1].fire("close", SimpleNamespace())
            try:
                await asking
            finally:
                line.close()
                await turns()

        sentence = refused(RoomError, story)
    assert sentence == "The connection to the room is gone; it is being made again."


@pytest.mark.parametrize(
    ("status", "text", "sentence"),
    [
        (0, "", "The room's server cannot be reached."),
        (200, "<html>", "The room's server gave no right answer."),
        (502, "<html>", "The room's server gave no right answer."),
        (404, "", "This page was served without rooms: nobody can be seen or directed here."),
        (403, '{"error": "Ask for a new link.", "code": "invite"}', "Ask for a new link."),
    ],
)
def test_who_is_not_let_in_reads_why(status: int, text: str, sentence: str) -> None:
    class Answer:
        """The server's word on a request to join, or somebody else's."""

        ok = status == 200

        def __init__(self) -> None:
            self.status = status

        async def text(self) -> str:
            return text

    async def fetch(address: str, **request: object) -> Answer:
        if not status:
            raise JsException("TypeError", "Failed to fetch")
        return Answer()

    named = {"fetch": fetch, "document": SimpleNamespace(baseURI="https://x/")}
    url = SimpleNamespace(new=lambda path, base: SimpleNamespace(href=base + path))
    with stubbed_browser(URL=url, AbortSignal=SimpleNamespace(timeout=lambda ms: None), **named) as load:
        join = load("rolltape.browser.socket").join
        said = refused(RoomError, lambda: join(JoinRequest("studio", Role.GUEST, "", "secret", "Ada")))
    assert said == sentence


def test_what_nobody_expected_is_shown_and_logged() -> None:
    logged: list[str] = []
    with stubbed_browser(console=SimpleNamespace(error=logged.append)) as load:
        page = load("rolltape.browser.page").Page
        shown: list[Notice] = []
        page.report(SimpleNamespace(notify=shown.append), KeyError("take"))
        page.report(SimpleNamespace(notify=shown.append), SinkError("The disk is full."))

    assert [notice.text for notice in shown] == ["Something went wrong: 'take'.", "The disk is full."]
    assert "KeyError" in logged[0]


class FailingPage(FakeDocument):
    """A document that notes what was reported."""

    def __init__(self) -> None:
        super().__init__()
        self.reported: list[BaseException] = []
        self.failures: list[Notice] = []

    def report(self, error: BaseException) -> None:
        self.reported.append(error)

    def failed(self, notice: Notice) -> None:
        self.failures.append(notice)


@contextmanager
def main_over(page: FailingPage) -> Iterator[Any]:
    """The page's beginning, in a browser that is none."""
    window = SimpleNamespace(rolltapeDatabase=lambda: None)
    location = SimpleNamespace(search="?record=2500", hash="")
    with stubbed_browser(window=window, location=location) as load:
        module = load("rolltape.browser.main")
        module.Page = lambda: page
        module.ThisBrowser = lambda page: object()
        yield module


def test_a_page_that_cannot_start_says_so_and_what_to_do() -> None:
    page = FailingPage()
    with main_over(page) as module, pytest.raises(AttributeError):
        run(module.main)

    assert page.failures == [
        Notice(
            Level.ERROR, "The page could not start. Reload it; if that does not help, use another browser."
        )
    ]
    assert [type(error) for error in page.reported] == [AttributeError]


class StubPort(Target):
    """A page's end of the channel to the service worker."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[Any] = []
        self.is_open = True

    def start(self) -> None:
        return

    def postMessage(self, message: Any, transfer: object = None) -> None:
        self.posted.append(message)

    def close(self) -> None:
        self.is_open = False

    def say(self, **words: object) -> None:
        """Have the service worker say this."""
        self.fire("message", SimpleNamespace(data=SimpleNamespace(**words)))


class StubWorkers:
    """Service workers, of which one is there and does what the test says."""

    def __init__(self) -> None:
        self.port = StubPort()
        self.active = SimpleNamespace(postMessage=self._posted)
        self.ready = asyncio.get_running_loop().create_future()
        self.ready.set_result(self)

    async def register(self, script: object) -> None:
        return

    def new(self) -> Any:
        """Make the channel of a download."""
        return SimpleNamespace(port1=self.port, port2=object())

    def _posted(self, message: dict[str, object], transfer: object = None) -> None:
        if "announce" in message:
            asyncio.get_running_loop().call_soon(lambda: self.port.say(announced=True))


@pytest.mark.parametrize(
    ("word", "told"),
    [
        (
            {"taken": 10},
            ["A recording that the browser had not saved yet is going to your Downloads folder now."],
        ),
        ({"taken": 9}, []),
        ({"cancelled": True, "taken": 0}, []),
    ],
    ids=["taken", "not all of it", "refused"],
)
def test_a_download_that_the_browser_takes_only_after_the_recording_is_told_when_it_does(
    word: dict[str, object], told: list[str]
) -> None:
    page = FakeDocument()
    frame = SimpleNamespace(remove=lambda: None)
    document = SimpleNamespace(
        createElement=lambda kind: frame, body=SimpleNamespace(append=lambda frame: None)
    )

    async def story() -> bool:
        workers = StubWorkers()
        members = {
            "navigator": SimpleNamespace(serviceWorker=workers),
            "MessageChannel": workers,
            "window": Target(),
            "document": document,
            "encodeURIComponent": str,
            "performance": CLOCK,
        }
        with stubbed_browser(**members) as load:
            browser = load("rolltape.browser.facade").ThisBrowser(page)
            download = await (await browser.downloads()).create("t1", "Ada.webm", "video/webm")
            download.write(b"0123456789")
            with pytest.raises(NotTaken, match="has not saved the file"):
                await download.settle(0.01)
            await download.close()
            await turns()
            assert page.notices == [], "nothing is told before"
            workers.port.say(**word)
            await turns()
            is_open = workers.port.is_open
            await download.abandon()
            return is_open

    is_open = run(story)

    assert [notice.text for notice in page.notices] == told
    assert is_open is (word == {"taken": 9}), "it is waited for as long as it may still be taken"
