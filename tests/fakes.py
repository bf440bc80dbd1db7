"""Small honest stand-ins for the browser: what the Protocols promise, in memory, and what they may raise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence

from rolltape.core.errors import EngineError, SinkError, StorageFull
from rolltape.media.ending import Patch
from rolltape.recording.acknowledgements import Ledger


class FakeClock:
    """A clock that goes only when told."""

    def __init__(self) -> None:
        self.ms = 1000.0

    def __call__(self) -> float:
        return self.ms


class Steps:
    """Every await of what is faked takes a step: a turn of the loop, and one of them may fail."""

    def __init__(self, fail_at: int | None = None, error: Exception | None = None) -> None:
        self.taken: list[str] = []
        self._fail_at = fail_at
        self._error = error

    async def take(self, name: str) -> None:
        number = len(self.taken)
        self.taken.append(name)
        await asyncio.sleep(0)
        if number == self._fail_at and self._error is not None:
            raise self._error


class FakeEngine:
    """Hands out the chunks it is given; ends after `stop`, or by itself with an error, or raises one."""

    def __init__(
        self, mime_type: str, start_error: Exception | None = None, steps: Steps | None = None
    ) -> None:
        self.mime_type = mime_type
        self.error: EngineError | None = None
        self.start_error = start_error
        self.steps = steps or Steps()
        self.queue: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
        self.calls: list[str] = []
        self.stops = True
        """Whether it ends when it is asked to."""
        self.closing: list[Callable[[], None]] = []
        self.captured_ms: float | None = None
        """When the first picture was captured."""

    first_frame: int | None = None

    def began_ms(self, first_picture_ms: float | None) -> float | None:
        if self.captured_ms is None or first_picture_ms is None:
            return None
        return self.captured_ms - first_picture_ms

    async def start(self) -> None:
        self.calls.append("start")
        await self.steps.take("engine starts")
        if self.start_error is not None:
            raise self.start_error

    async def chunks(self) -> AsyncIterator[bytes]:
        await self.steps.take("engine delivers")
        while (chunk := await self.queue.get()) is not None:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk
            await self.steps.take("engine delivers")

    def give(self, *chunks: bytes) -> None:
        for chunk in chunks:
            self.queue.put_nowait(chunk)

    def stop(self) -> None:
        self.calls.append("stop")
        if self.stops:
            self.queue.put_nowait(None)

    def break_off(self, error: EngineError | None) -> None:
        """It ends by itself."""
        self.error = error
        self.queue.put_nowait(None)

    def fail(self, error: Exception) -> None:
        """What it has is not to be had."""
        self.queue.put_nowait(error)

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def close(self) -> None:
        self.calls.append("close")
        while self.closing:
            self.closing.pop()()

    @property
    def closed(self) -> bool:
        return "close" in self.calls


class FakeFile:
    """A file in memory as a sink: at once on the disk, until it is full or held up."""

    def __init__(
        self,
        name: str,
        files: dict[str, bytearray],
        path: str,
        capacity: int | None = None,
        steps: Steps | None = None,
    ) -> None:
        self.steps = steps or Steps()
        self.settle_error: Exception | None = None
        self.close_error: Exception | None = None
        self.answers = asyncio.Event()
        """Cleared: what is handed over is not acknowledged yet."""
        self.answers.set()
        self.abandoned = False
        self.name = name
        self.path = path
        self.files = files
        self.data = files.setdefault(path, bytearray())
        self.ledger = Ledger()
        self.error: SinkError | None = None
        self.capacity = capacity
        self.held_up = False
        self.closed = False

    def write(self, data: bytes) -> None:
        if self.error is not None or not data:
            return
        self.ledger.give(len(data), 1000.0)
        if self.capacity is not None and len(self.data) + len(data) > self.capacity:
            self.data += data[: max(0, self.capacity - len(self.data))]
            self.error = StorageFull("There is no room left in the browser's storage.")
            return
        self.data += data
        if not self.held_up:
            self.ledger.acknowledge(self.ledger.given)

    def patch(self, patches: Sequence[Patch]) -> None:
        for patch in patches if self.error is None else ():
            self.data[patch.offset : patch.offset + len(patch.data)] = patch.data

    async def truncate(self, size: int) -> None:
        await self.steps.take(f"{self.name} is cut")
        del self.data[size:]

    async def settle(self) -> None:
        await self.steps.take(f"{self.name} settles")
        await self.answers.wait()
        if self.settle_error is not None:
            raise self.settle_error
        if self.error is not None:
            raise self.error

    async def abandon(self) -> None:
        self.closed = self.abandoned = True
        await self.steps.take(f"{self.name} is abandoned")

    async def close(self) -> int:
        self.closed = True
        await self.steps.take(f"{self.name} closes")
        if self.close_error is not None:
            raise self.close_error
        if self.name == "folder" and self.error is not None:
            del self.files[self.path]
            raise self.error
        return len(self.data)


class FakeStoredFile:
    def __init__(self, data: bytes, saved: list[tuple[str, str, bytes]]) -> None:
        self._data = data
        self._saved = saved
        self.size = len(data)

    async def read(self, start: int, end: int) -> bytes:
        return self._data[start:end]

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        yield self._data

    def address(self, content_type: str) -> str:
        return f"blob:{content_type}"

    def save(self, name: str, content_type: str) -> None:
        self._saved.append((name, content_type, self._data))


class FakeStore:
    """The journal's files in memory."""

    def __init__(self, steps: Steps | None = None) -> None:
        self.steps = steps or Steps()
        self.files: dict[str, bytearray] = {}
        self.saved: list[tuple[str, str, bytes]] = []
        self.opened: list[FakeFile] = []
        self.capacity: int | None = None
        self.locked = False

    async def create(self, path: str) -> FakeFile:
        await self.steps.take("journal opens")
        if self.locked:
            raise SinkError("Another tab holds this recording.")
        file = FakeFile("journal", self.files, path, self.capacity, self.steps)
        self.opened.append(file)
        return file

    async def append_text(self, path: str, text: str) -> None:
        await self.steps.take("log is written")
        self.files.setdefault(path, bytearray()).extend(text.encode())

    async def names(self, path: str) -> list[str]:
        await self.steps.take("shelf is read")
        inside = [name.removeprefix(f"{path}/") for name in self.files if name.startswith(f"{path}/")]
        return sorted({name.split("/")[0] for name in inside})

    async def file(self, path: str) -> FakeStoredFile | None:
        return FakeStoredFile(bytes(self.files[path]), self.saved) if path in self.files else None

    async def text(self, path: str) -> str:
        return self.files.get(path, bytearray()).decode()

    async def remove(self, path: str) -> None:
        for name in [name for name in self.files if name.startswith(f"{path}/")]:
            del self.files[name]


class FakeDownloads:
    """The Downloads folder in memory."""

    def __init__(self, steps: Steps | None = None) -> None:
        self.steps = steps or Steps()
        self.files: dict[str, bytearray] = {}
        self.opened: list[FakeFile] = []
        self.error: SinkError | None = None

    async def create(self, id: str, name: str, content_type: str) -> FakeFile:
        await self.steps.take("download opens")
        if self.error is not None:
            raise self.error
        file = FakeFile("download", self.files, name, steps=self.steps)
        self.opened.append(file)
        return file


class FakeFolder:
    """A folder that a person chose, in memory."""

    name = "Recordings"

    def __init__(self, steps: Steps | None = None) -> None:
        self.steps = steps or Steps()
        self.files: dict[str, bytearray] = {}
        self.opened: list[FakeFile] = []
        self.capacity: int | None = None
        self.allowed = True

    async def is_allowed(self) -> bool:
        return self.allowed

    async def ask(self) -> bool:
        return self.allowed

    async def create(self, name: str) -> FakeFile:
        await self.steps.take("folder opens")
        if not self.allowed:
            raise SinkError("The folder you chose cannot be written.")
        file = FakeFile("folder", self.files, name, self.capacity, self.steps)
        self.opened.append(file)
        return file

    async def size(self, name: str) -> int | None:
        return len(self.files[name]) if self.allowed and name in self.files else None
