"""A room for tests: one browser, a director and guests each in a context of their own, and a server that can go."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from waiting import wait_for

ROOT = Path(__file__).resolve().parent.parent


class Server:
    """The room's server on a port of its own, which can be stopped and started again."""

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self.options = options
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://localhost:{self.port}"
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.starts += 1
        self.log = self.folder / f"server{self.starts}.txt"
        is_said = {"--takes", "--no-takes"} & {*self.options}
        kept = [] if is_said else ["--takes", str(self.folder / "takes")]
        with self.log.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rolltape", "serve", "--port", str(self.port)]
                + ["--secret-file", str(self.folder / "secret"), *kept, *self.options],
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_for(self._answers, "the server answers", 30)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        """Stop it as an administrator would."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def kill(self) -> None:
        """End it as a power cut would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None

    def links(self) -> dict[str, str]:
        """The links it prints when it has started, a moment after it listens: `Guest`, `Director`, `Home`."""
        return wait_for(self._links, "the server says its links")

    def _links(self) -> dict[str, str] | None:
        links = dict(re.findall(r"^(Guest|Director|Home): +(\S+)\n", self.log.read_text(), re.M))
        return links if "Home" in links else None


class Visitor:
    """Somebody with a page in the room."""

    def __init__(self, context: BrowserContext, timeout_ms: int) -> None:
        self.context = context
        self.page: Page = context.new_page()
        self.timeout_ms = timeout_ms
        self.complaints: list[str] = []
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type == "error" else None
        )

    def open(self, address: str, ready: str) -> Visitor:
        """Open a link and wait until the page can be used."""
        self.page.goto(address)
        self.wait_ready(ready)
        return self

    def wait_ready(self, ready: str) -> None:
        """Wait until the page can be used."""
        expect(self.page.locator(f"html[data-ready={ready}]")).to_be_attached(timeout=self.timeout_ms)

    def id(self, name: str) -> Locator:
        """The element of this `data-testid`."""
        return self.page.get_by_test_id(name)

    def guest(self, label: str) -> Locator:
        """A director's row of the guest with this name."""
        return self.id("guest").filter(has_text=re.compile(rf"(^|\s){re.escape(label)}(\s|$)"))

    def unexpected(self) -> list[str]:
        """What the browser complained of, but for a server that was stopped on purpose."""
        lost = ("WebSocket connection", "ERR_CONNECTION_REFUSED", "ERR_INTERNET_DISCONNECTED", "ERR_FAILED")
        return [said for said in self.complaints if not any(word in said for word in lost)]


class RoomScene:
    """A server, a browser, and who was let into the room."""

    def __init__(self, browser: Browser, server: Server, settings: dict[str, Any]) -> None:
        self.browser = browser
        self.server = server
        self.timeout_ms: int = settings["READY_TIMEOUT_MS"]
        self.visitors: list[Visitor] = []
        self.guest_link = ""

    def visitor(self) -> Visitor:
        """Somebody with a browser profile of their own."""
        visitor = Visitor(self.browser.new_context(), self.timeout_ms)
        self.visitors.append(visitor)
        return visitor

    def director(self, address: str) -> Visitor:
        """Open a director's page; its guest link is noted."""
        director = self.visitor().open(address, "director")
        expect(director.id("guest-link")).to_have_value(re.compile("#invite="))
        self.guest_link = director.id("guest-link").input_value()
        return director

    def link(self, query: str) -> str:
        """The guest's link of this room with other options."""
        parts = urlsplit(self.guest_link)
        room = next(pair for pair in parts.query.split("&") if pair.startswith("room="))
        return f"{self.server.address}/?{room}&{query}#{parts.fragment}"

    def guest(self, query: str) -> Visitor:
        """Open a guest's page by the room's link, with these options, and join."""
        guest = self.visitor().open(self.link(query), "guest")
        guest.id("join").click()
        return guest


@contextmanager
def opened_room(
    playwright: Any,
    settings: dict[str, Any],
    fake_media: tuple[str, str],
    folder: Path,
    options: Sequence[str] = (),
) -> Iterator[RoomScene]:
    """A room, of a server with these options; at the end no browser may have complained."""
    server = Server(folder, options)
    server.start()
    browser = playwright.chromium.launch(**settings["chromium_launch"](*fake_media))
    scene = RoomScene(browser, server, settings)
    try:
        yield scene
        unexpected = [said for visitor in scene.visitors for said in visitor.unexpected()]
    finally:
        browser.close()
        server.stop()
    assert unexpected == [], f"The browser complained: {unexpected}"
