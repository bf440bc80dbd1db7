"""Where a fault happens: one browser with a profile of its own on the disk, which can die and be opened again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from playwright.sync_api import BrowserContext, Dialog, Error, Locator, Page, expect

from faults.inside import run_inside
from guest import Guest
from processes import browser_pids, command_line, stopped
from waiting import wait_for

LINK = "?record=2500&label=Ada&room=faults&recordcodec=h264&width=640&height=360"
FIREFOX_LINK = "?record=2500&label=Ada&room=faults&width=640&height=360"
UNFINISHED = (".crdownload", ".part")
PATIENCE_S = 90.0
SECONDS = 4.0

Opening = Callable[[], BrowserContext]


class Scene:
    """A guest, their browser, its profile and its Downloads folder."""

    def __init__(
        self,
        browser: str,
        opening: Opening,
        base_url: str,
        folder: Path,
        downloads: Path,
        timeout_ms: int,
        more: str = "",
    ) -> None:
        self.browser = browser
        self.profile = folder / "profile"
        self.folder = folder
        self.downloads = downloads
        self._opening = opening
        self._base_url = base_url
        self._timeout_ms = timeout_ms
        self._more = more
        self._kept = 0
        self.guest = self._guest()

    def _guest(self) -> Guest:
        guest = Guest(self._opening(), self._base_url, self.downloads, self._timeout_ms)
        guest.page.on("dialog", leave)
        return guest

    @property
    def link(self) -> str:
        return (LINK if self.browser == "Chromium" else FIREFOX_LINK) + self._more

    @property
    def page(self) -> Page:
        return self.guest.page

    def open(self) -> None:
        """Open the link in the tab that is there, and wait until it can record."""
        self.guest.open(self.link)
        expect(self.guest.id("record")).to_be_enabled(timeout=self._timeout_ms)

    def new_tab(self) -> None:
        """Go on in another tab of the same browser."""
        self.guest.page = self.guest.new_page()
        self.guest.page.on("dialog", leave)

    def record(self, seconds: float = SECONDS) -> int:
        """Open the link, record so long; the time shown as recorded, in ms."""
        self.open()
        self.guest.record()
        return self.recorded_for(seconds * 1000)

    def recorded_for(self, ms: float) -> int:
        """Wait until the page shows at least this time as recorded; what it shows then."""
        return wait_for(
            lambda: found if (found := self.elapsed_ms()) >= ms else None, f"{ms} ms are recorded", PATIENCE_S
        )

    def elapsed_ms(self) -> int:
        """What the page shows as recorded, to a tenth of a second."""
        shown = self.guest.id("elapsed").get_attribute("datetime") or "PT0S"
        return round(float(shown[2:-1]) * 1000)

    def stop(self) -> int:
        """Press the button again, wait until the take is finished; the time that was recorded, in ms."""
        elapsed_ms = self.elapsed_ms()
        self.guest.id("record").click()
        expect(self.guest.id("record")).to_have_attribute("data-state", "idle", timeout=PATIENCE_S * 1000)
        return elapsed_ms

    def reopen(self) -> None:
        """Come back: in a new tab, or in a new browser on the same profile where the old one is gone."""
        if self.is_alive():
            self.new_tab()
        else:
            self.guest = self._guest()
        self.open()

    def is_alive(self) -> bool:
        """Whether the browser still runs."""
        try:
            self.guest.context.new_page().close()
        except Error:
            return False
        return True

    def kill(self) -> None:
        """SIGKILL for every process of the browser."""
        pids = self.pids()
        assert pids
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        wait_for(lambda: not self.pids(), "the browser is gone")
        self.close()

    def stopped(self) -> AbstractContextManager[None]:
        """SIGSTOP for every process of the browser, as sleep does; SIGCONT afterwards."""
        return stopped(self.pids())

    @property
    def inside(self) -> Path:
        """The socket on which Firefox takes scripts."""
        return self.folder / "inside"

    def run_inside(self, script: str) -> None:
        """Have Firefox itself run this."""
        run_inside(self.inside, script)

    def kill_service(self, name: str) -> None:
        """SIGKILL for one of Chromium's services, as when the device under it goes."""
        self.signal_service(name, signal.SIGKILL)

    def signal_service(self, name: str, which: signal.Signals) -> None:
        """A signal for one of Chromium's services."""
        found = [pid for pid in self.pids() if name in command_line(pid)]
        assert found, f"no process of {name}"
        for pid in found:
            os.kill(int(pid), which)

    def pids(self) -> list[str]:
        return browser_pids(self.profile)

    def close(self) -> None:
        """Quit the browser as a person does; nothing if it is gone."""
        with suppress(Error):
            self.guest.context.close()

    def row(self, state: str = "finished") -> Locator:
        """The newest take on the shelf, once it is in this state."""
        row = self.guest.id("take").first
        expect(row).to_have_attribute("data-state", state, timeout=PATIENCE_S * 1000)
        return row

    def in_downloads(self) -> list[Path]:
        """What is in the Downloads folder, taken away so that what comes next can be told from it."""
        self._kept += 1
        folder = self.folder / f"kept{self._kept}"
        folder.mkdir()
        found = []
        for path in self.downloads.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
            path.unlink()
            found.append(folder / path.name)
        return sorted(found)

    def put_back(self, copies: list[Path]) -> None:
        """Put what was taken away back into the Downloads folder."""
        for copy in copies:
            (self.downloads / copy.name).write_bytes(copy.read_bytes())

    def saved(self, row: Locator, parts: int = 1) -> list[Path]:
        """Press the take's save button; the files that arrive."""

        def arrived() -> list[Path] | None:
            self.guest.id("record").count()  # lets the driver hear of the download
            paths = sorted(self.downloads.iterdir())
            unfinished = [path for path in paths if path.suffix in UNFINISHED or not path.stat().st_size]
            return paths if len(paths) >= parts and not unfinished else None

        row.get_by_test_id("save").click()
        wait_for(arrived, f"{parts} saved files are in the Downloads folder", PATIENCE_S)
        return self.in_downloads()

    def told(self, *words: str, seconds: float = 30.0) -> None:
        """A notice on the page holds all these words, within this time."""
        notice = self.guest.id("notice")
        for word in words:
            notice = notice.filter(has_text=word)
        expect(notice.first).to_be_visible(timeout=seconds * 1000)


def leave(dialog: Dialog) -> None:
    """Leave the page although it asks not to."""
    with suppress(Error):
        dialog.accept()
