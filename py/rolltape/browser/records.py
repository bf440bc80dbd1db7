"""Records in IndexedDB, on the disk as soon as they are said to be (durability "strict"), of files that are young.

Nothing waits for a record. Where IndexedDB is refused, fails, never answers, or cannot keep up, no more is kept; the
browser's log says so, and recordings go on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from js import IDBKeyRange, console, window
from pyodide.ffi import JsException, to_js

from rolltape.browser.interop import Listeners, error_of, member, uint8array
from rolltape.core.errors import RolltapeError
from rolltape.recording.young_files import Key, Written

DATABASE, STORE = "rolltape-young-files", "writes"
STRICT = {"durability": "strict"}
ANSWER_WITHIN_S = 5.0
WRITE_WITHIN_S = 20.0
"""A disk under load may take its time; the journal's worker is given as much."""
OWED_BYTES = 16 << 20
"""As much may wait for the disk; a disk that is further behind is too slow for a second copy."""
FAILED = "The browser's database failed."


class IndexedRecords:
    """Records under `[path, order]`: what was written at once, in `young_files.Records`' words."""

    def __init__(self) -> None:
        self._owed = 0
        self._broken = False
        self._order = int(1000 * time.time())
        self._opening = asyncio.ensure_future(self._open())
        self._adding: set[asyncio.Task[None]] = set()

    async def _open(self) -> Any:
        """The database; None where there is none."""
        try:
            factory = member(window, "indexedDB")
            if factory is None:
                raise RolltapeError("This browser has no database.")
            opening = factory.open(DATABASE, 1)
            listeners = Listeners()
            listeners.add(
                opening, "upgradeneeded", lambda event: opening.result.createObjectStore(STORE) and None
            )
            try:
                return await _answer(opening)
            finally:
                listeners.close()
        except (JsException, RolltapeError) as error:
            self._end(error)
            return None

    def add(self, path: str, written: Written) -> None:
        """Put one on the disk, behind all others of this path; does not wait."""
        if self._broken:
            return
        self._owed += len(written.data)
        if self._owed > OWED_BYTES:
            self._end(RolltapeError("The disk is too slow for it."))
            return
        self._order += 1
        task = asyncio.ensure_future(self._add(Key(path, self._order), written))
        self._adding.add(task)
        task.add_done_callback(self._adding.discard)

    async def _add(self, key: Key, written: Written) -> None:
        if self._broken:
            return
        value = to_js([written.at, written.size, uint8array(written.data)])
        await self._change(lambda store: store.put(value, to_js([key.path, key.order])))
        self._owed -= len(written.data)

    async def keys(self) -> Sequence[Key]:
        """All there are, in order of path and then of time; none where records fail."""
        database = await self._opening
        if database is None:
            return ()
        try:
            found = await _answer(database.transaction(STORE).objectStore(STORE).getAllKeys())
        except (JsException, RolltapeError) as error:
            self._end(error)
            return ()
        keys = [Key(str(path), int(order)) for path, order in found.to_py()]
        self._order = max([self._order, *(key.order for key in keys)])
        return keys

    async def read(self, key: Key) -> Written:
        """Read what was added under this key, in order. Raises RolltapeError."""
        database = await self._opening
        try:
            at, size, data = await _answer(
                database.transaction(STORE).objectStore(STORE).get(to_js([key.path, key.order]))
            )
        except (JsException, TypeError) as error:  # it is gone, or is no record of ours
            raise RolltapeError(FAILED, str(error)) from None
        return Written(int(at), data.to_bytes(), int(size))

    async def forget(self, path: str) -> None:
        """Take away those of a file, or of all files of a folder."""
        await asyncio.gather(*self._adding)
        await self._change(lambda store: store.delete(_all_of(path, path)))
        await self._change(lambda store: store.delete(_all_of(f"{path}/", f"{path}0")))

    async def _change(self, work: Any) -> None:
        """Do one thing to the store, and wait until it is on the disk."""
        database = await self._opening
        if database is None:
            return
        try:
            transaction = database.transaction(STORE, "readwrite", to_js(STRICT))
            work(transaction.objectStore(STORE))
            await _over(transaction)
        except (JsException, RolltapeError) as error:
            self._end(error)

    def _end(self, error: JsException | RolltapeError) -> None:
        """Keep no more; a file with a gap in its records would be worse than one without."""
        if not self._broken:
            self._broken = True
            detail = f"{error.sentence} {error.detail}" if isinstance(error, RolltapeError) else str(error)
            console.info(
                f"A power cut in a recording's first minute would take it from the journal: {detail}"
            )


def _all_of(first: str, last: str) -> Any:
    """The range of all keys whose path is one of these two or lies between them."""
    return IDBKeyRange.bound(to_js([first]), to_js([last, []]))


async def _answer(request: Any) -> Any:
    """What a request gives. Raises RolltapeError where it fails, or never answers."""
    await _event(request, "success", "error", ANSWER_WITHIN_S)
    return request.result


async def _over(transaction: Any) -> None:
    """Wait until a transaction is on the disk. Raises RolltapeError."""
    await _event(transaction, "complete", "abort", WRITE_WITHIN_S)


async def _event(target: Any, good: str, bad: str, within_s: float) -> None:
    """Wait for one of two events; raises RolltapeError at the bad one, and after this time."""
    told: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    listeners = Listeners()
    for name, well in ((good, True), (bad, False)):
        listeners.add(target, name, partial(_settle, told, well))
    try:
        async with asyncio.timeout(within_s):
            if await told:
                return
    except TimeoutError:
        raise RolltapeError("The browser's database does not answer.") from None
    finally:
        listeners.close()
    error = target.error
    raise error_of(str(getattr(error, "name", "Error")), str(getattr(error, "message", "")))


def _settle(told: asyncio.Future[bool], well: bool, event: object) -> None:
    if not told.done():
        told.set_result(well)
