"""Small honest stand-ins for the browser: what the Protocols promise, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from rolltape.core.errors import EngineError, SinkError, StorageFull
from rolltape.media.webm import Patch
from rolltape.recording.acknowledgements import Ledger


class FakeClock:
    """A clock that goes only when told."""

    def __init__(self) -> None:
        self.ms = 1000.0

    def __call__(self) -> float:
        return self.ms


class FakeEngine:
    """Hands out the chunks it is given; ends after `stop`, or by itself with an error."""

    def __init__(self, mime_type: str, start_error: EngineError | None = None) -> None:
        self.mime_type = mime_type
        self.error: EngineError | None = None
        self.start_error = start_error
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.calls: list[str] = []
        self.captured_ms: float | None = None
        """When the first picture was captured."""

    def began_ms(self, first_picture_ms: float | None) -> float | None:
        if self.captured_ms is None or first_picture_ms is None:
            return None
        return self.captured_ms - first_picture_ms

    async def start(self) -> None:
        self.calls.append("start")
        if self.start_error is not None:
            raise self.start_error

    async def chunks(self) -> AsyncIterator[bytes]:
        while (chunk := await self.queue.get()) is not None:
            yield chunk

    def give(self, *chunks: bytes) -> None:
        for chunk in chunks:
            self.queue.put_nowait(chunk)

    def stop(self) -> None:
        self.calls.append("stop")
        self.queue.put_nowait(None)

    def break_off(self, error: EngineError | None) -> None:
        self.error = error
        self.queue.put_nowait(None)

    def pause(self) -> None:
        self.calls.append("pause")

    def resume(self) -> None:
        self.calls.append("resume")

    def close(self) -> None:
        self.calls.append("close")


class FakeFile:
    """A file in memory as a sink: at once on the disk, until it is full or held up."""

    def __init__(
        self, name: str, files: dict[str, bytearray], path: str, capacity: int | None = None
    ) -> None:
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
        del self.data[size:]

    async def settle(self) -> None:
        if self.error is not None:
            raise self.error

    async def abandon(self) -> None:
        self.closed = True

    async def close(self) -> int:
        self.closed = True
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

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self.saved: list[tuple[str, str, bytes]] = []
        self.opened: list[FakeFile] = []
        self.capacity: int | None = None
        self.locked = False

    async def create(self, path: str) -> FakeFile:
        if self.locked:
            raise SinkError("Another tab holds this recording.")
        file = FakeFile("journal", self.files, path, self.capacity)
        self.opened.append(file)
        return file

    async def append_text(self, path: str, text: str) -> None:
        self.files.setdefault(path, bytearray()).extend(text.encode())

    async def names(self, path: str) -> list[str]:
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

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self.opened: list[FakeFile] = []
        self.error: SinkError | None = None

    async def create(self, id: str, name: str, content_type: str) -> FakeFile:
        if self.error is not None:
            raise self.error
        file = FakeFile("download", self.files, name)
        self.opened.append(file)
        return file


class FakeFolder:
    """A folder that a person chose, in memory."""

    name = "Recordings"

    def __init__(self) -> None:
        self.files: dict[str, bytearray] = {}
        self.opened: list[FakeFile] = []
        self.capacity: int | None = None
        self.allowed = True

    async def is_allowed(self) -> bool:
        return self.allowed

    async def ask(self) -> bool:
        return self.allowed

    async def create(self, name: str) -> FakeFile:
        if not self.allowed:
            raise SinkError("The folder you chose cannot be written.")
        file = FakeFile("folder", self.files, name, self.capacity)
        self.opened.append(file)
        return file
