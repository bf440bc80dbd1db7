"""A guest at their browser: a page, a Downloads folder, and what the browser complained of."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from playwright.sync_api import BrowserContext, Locator, Page, expect

from rolltape.pages.words import clock
from rolltape.recording.clock_log import CLOCK, ClockLog
from rolltape.recording.take import Take
from rolltape.recording.take_log import read_log
from waiting import wait_for

NEWEST = """async (name) => {
    const takes = await (await navigator.storage.getDirectory()).getDirectoryHandle("takes");
    const names = [];
    for await (const name of takes.keys()) names.push(name);
    const folder = await takes.getDirectoryHandle(names.sort().at(-1));
    for (;;) {
        const file = await (await folder.getFileHandle(name)).getFile();
        const text = await file.text().catch(() => null); // it has grown meanwhile: quirk 3
        if (text !== null) return text;
    }
}"""


def or_later(elapsed: str) -> re.Pattern[str]:
    """This time as pages show it, or one of the minute after it: a busy page leaves seconds out."""
    minutes, seconds = map(int, elapsed.split(":"))
    shown = "|".join(clock((60 * minutes + seconds + later) * 1000) for later in range(60))
    return re.compile(f"^({shown})$")


class Guest:
    """Opens links, presses buttons, looks into the Downloads folder."""

    def __init__(self, context: BrowserContext, base_url: str, downloads: Path, timeout_ms: int) -> None:
        self.context = context
        self.base_url = base_url
        self.downloads = downloads
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.timeout_ms = timeout_ms
        self.page = self.new_page()

    def new_page(self) -> Page:
        """Another tab of the same browser, watched like the first."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("request", lambda request: self.requests.append(request.url))
        if self.is_chromium:
            session = self.context.new_cdp_session(page)
            session.send(
                "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(self.downloads)}
            )
        return page

    @property
    def is_chromium(self) -> bool:
        """Whether the DevTools protocol is there."""
        browser = self.context.browser
        return browser is None or browser.browser_type.name == "chromium"

    def open(self, query: str, ready: str = "guest") -> Guest:
        """Open a link and wait until the page can be used."""
        self.page.goto(f"{self.base_url}/{query}")
        expect(self.page.locator(f"html[data-ready={ready}]")).to_be_attached(timeout=self.timeout_ms)
        return self

    def id(self, name: str) -> Locator:
        """The element of this `data-testid`."""
        return self.page.get_by_test_id(name)

    def record(self) -> None:
        """Press the red button and wait until it records."""
        self.id("record").click()
        expect(self.id("record")).to_have_attribute("data-state", "recording")

    def wait_until(self, elapsed: str) -> None:
        """Wait until the page shows this time as recorded, or a later one."""
        expect(self.id("elapsed")).to_have_text(or_later(elapsed), timeout=600_000)

    def stop(self) -> None:
        """Press the button again and wait until the take is finished."""
        self.id("record").click()
        expect(self.id("record")).to_have_attribute("data-state", "idle")

    def shown_bytes(self) -> int:
        """How many bytes the page says are safely written."""
        return int(self.id("bytes").get_attribute("value") or 0)

    def bytes_on_disk(self) -> int:
        """Bytes in the Downloads folder, finished or not."""
        return sum(path.stat().st_size for path in self.downloads.iterdir())

    def downloaded(self) -> Path:
        """The one file in the Downloads folder, once nothing is written there any more."""
        return wait_for(self._settled, "one finished file is in the Downloads folder")

    def _settled(self) -> Path | None:
        paths = list(self.downloads.iterdir())
        unfinished = [path for path in paths if path.suffix in (".crdownload", ".part")]
        return paths[0] if len(paths) == 1 and not unfinished else None

    def take(self, elapsed: str, folder: Path) -> tuple[Path, Path]:
        """Record until the page shows this time; the file downloaded meanwhile, and the saved copy."""
        self.record()
        self.wait_until(elapsed)
        self.stop()
        downloaded = self.take_away(self.downloaded(), folder / "downloaded")
        return downloaded, self.take_away(self.save(), folder / "saved")

    def newest(self) -> Take:
        """The newest take, by the journal's log."""
        take = read_log(str(self.page.evaluate(NEWEST, "take.jsonl")))
        assert take is not None
        return take

    def log(self) -> dict[str, Any]:
        """What the journal's log says of the newest take."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self.newest())))
        return plain

    def clock(self) -> ClockLog:
        """What the journal says of the newest take's clocks."""
        return ClockLog.from_lines(str(self.page.evaluate(NEWEST, CLOCK)))

    def files(self, count: int) -> list[Path]:
        """So many finished files in the Downloads folder, by name."""

        def found() -> list[Path] | None:
            paths = sorted(self.downloads.iterdir())
            whole = all(path.suffix not in (".crdownload", ".part") for path in paths)
            return paths if len(paths) == count and whole else None

        return wait_for(found, f"{count} finished files are in the Downloads folder")

    def save(self, take: int = 0) -> Path:
        """Press a take's save button; the file that arrives. The folder must be empty before."""
        assert list(self.downloads.iterdir()) == []
        self.id("take").nth(take).get_by_test_id("save").click()
        return self.downloaded()

    def take_away(self, path: Path, folder: Path) -> Path:
        """Move a file out of the Downloads folder."""
        folder.mkdir(parents=True, exist_ok=True)
        return path.rename(folder / path.name)

    def notices(self) -> list[str]:
        """The sentences on the page."""
        return [re.sub(r"\s*×\s*$", "", text).strip() for text in self.id("notice").all_inner_texts()]


class Guests(Protocol):
    """Makes guests, each with a browser profile of its own."""

    def __call__(self, *, files: bool = True, flags: tuple[str, ...] = (), **options: object) -> Guest: ...
