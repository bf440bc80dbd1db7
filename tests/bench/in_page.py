"""Runs in the page in the place of `static/main.py`: what recording costs there, with the real sinks.

The figures are put into the document as JSON lines, where the bench reads them.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

from js import File, document, performance, window
from pyodide.ffi import to_js

from bench.synthetic import chunks
from rolltape.browser.download import Downloads
from rolltape.browser.interop import uint8array
from rolltape.browser.journal import Journal
from rolltape.core.errors import EngineError
from rolltape.media.webm import WebmStream
from rolltape.recording.engine import plan
from rolltape.recording.part_sinks import Places
from rolltape.recording.sinks import Sink
from rolltape.recording.take import Take
from rolltape.recording.take_notices import TakeNotices
from rolltape.recording.take_recorder import Recording
from rolltape.settings.bitrate import Rates
from rolltape.settings.codec import CodecWish, candidates

# Twenty times as fast as a recording, and idle enough for the sinks' own threads on two cores.
PAUSE_S = 0.025


class MadeUpEngine:
    """Gives made-up chunks as a MediaRecorder gives its own, and times whoever takes them."""

    mime_type = "video/webm;codecs=vp8,opus"
    error: EngineError | None = None
    first_frame: int | None = None

    def __init__(self, seconds: float, kbps: int, pause_s: float = PAUSE_S) -> None:
        self.seconds = seconds
        self.kbps = kbps
        self.pause_s = pause_s
        self.spent_ms: list[float] = []
        self.last_ms = 0.0

    async def start(self) -> None:
        pass

    def began_ms(self, first_picture_ms: float | None) -> None:
        """It captures nothing, so it cannot tell."""

    async def chunks(self) -> AsyncIterator[bytes]:
        for chunk in chunks(self.seconds, self.kbps):
            buffer = await File.new(to_js([uint8array(chunk)]), "chunk").arrayBuffer()
            began = performance.now()
            yield buffer.to_bytes()
            self.last_ms = performance.now()
            self.spent_ms.append(self.last_ms - began)
            await asyncio.sleep(self.pause_s)

    def stop(self) -> None:
        pass

    def pause(self) -> None:
        pass

    def resume(self) -> None:
        pass

    def close(self) -> None:
        pass


async def recorded(engine: MadeUpEngine, journal: Journal, downloads: Downloads) -> float:
    """Run a whole recording of this engine through both sinks; milliseconds from its last chunk to its end."""
    rates = Rates(engine.kbps, 128)
    wanted = plan(candidates(CodecWish()), rates, lambda _type, _rates: engine, lambda _type: True)
    assert wanted is not None
    take = Take(id=f"bench-{time.time()}", number=1, name="bench_take1", started_at_ms=0)

    async def log(take: Take) -> None:
        pass

    await Recording(
        take, wanted, Places(journal, downloads), log, TakeNotices(print, print), performance.now
    ).run()
    ended = performance.now()
    await journal.remove(f"takes/{take.id}")
    return ended - engine.last_ms


def percentile(values: list[float], percent: int) -> float:
    """The value that so many percent do not pass."""
    return sorted(values)[len(values) * percent // 100]


async def throughput(sink: Sink, megabytes: int = 200) -> float:
    """Bytes per second that a sink acknowledges, in chunks of 375 kB, eight at a time."""
    chunk = bytes(375_000)
    began = performance.now()
    for _ in range(megabytes * 1_000_000 // len(chunk)):
        sink.write(chunk)
        if sink.ledger.owed > 8 * len(chunk):
            await sink.settle()
    await sink.settle()
    return sink.ledger.acknowledged / (performance.now() - began) * 1000


async def finish_ms(journal: Journal, seconds: float, runs: int) -> float:
    """Milliseconds from the last chunk to a finished file on the disk, the best of several."""
    found = []
    for run in range(runs):
        stream, file = WebmStream("bench"), await journal.create(f"takes/bench/{seconds}-{run}")
        for chunk in chunks(seconds, 400):
            file.write(stream.feed(chunk))
            file.patch(stream.patches())
            if file.ledger.owed > 4_000_000:
                await file.settle()
        await file.settle()
        began = performance.now()
        ending = stream.finish()
        file.write(ending.append)
        file.patch(ending.patches)
        await file.settle()
        found.append(performance.now() - began)
        await file.close()
    await journal.remove("takes/bench")
    return min(found)


def say(name: str, value: float, unit: str) -> None:
    """Put one figure into the document."""
    line = document.createElement("p")
    line.setAttribute("class", "figure")
    line.textContent = json.dumps({"name": name, "value": value, "unit": unit})
    document.body.append(line)


async def main() -> None:
    """Measure everything."""
    window.rolltapeDatabase()  # as `browser/main.py` does, which this stands in the place of
    journal, downloads = await Journal.open(), await Downloads.open()
    engine = MadeUpEngine(seconds=120, kbps=6000)
    await recorded(engine, journal, downloads)
    say("chunk_p50", percentile(engine.spent_ms, 50), "ms")
    say("chunk_p95", percentile(engine.spent_ms, 95), "ms")
    file = await journal.create("takes/bench/part1")
    say("journal", await throughput(file), "B/s")
    await file.close()
    await journal.remove("takes/bench")
    download = await downloads.create("bench", "bench.bin", "application/octet-stream")
    say("download", await throughput(download), "B/s")
    await download.close()
    say("finish_10s", await finish_ms(journal, 10, runs=5), "ms")
    say("finish_1h", await finish_ms(journal, 3600, runs=2), "ms")
    # An hour's worth at 6000 kbps, 2.7 GB, as fast as the sinks take it without being flooded.
    hour = MadeUpEngine(seconds=3600, kbps=6000, pause_s=0.01)
    document.documentElement.dataset.ready = "hour"
    ended_ms = await recorded(hour, journal, downloads)
    tenth = len(hour.spent_ms) // 10
    say("hour_chunk_p95_first", percentile(hour.spent_ms[:tenth], 95), "ms")
    say("hour_chunk_p95_last", percentile(hour.spent_ms[-tenth:], 95), "ms")
    say("hour_end", ended_ms, "ms")
    document.documentElement.dataset.ready = "bench"
