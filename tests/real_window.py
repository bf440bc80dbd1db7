"""A browser as a person has it: a plain process in a window, whose own questions are asked, answered or left alone.

Drivers of browsers answer some questions themselves and take downloads over, so that what a person meets is never
seen by tests that use them. Here a browser runs under Xvfb with a window manager (`real_browsers.py` has those that
there are). The page is looked at by expressions alone, which changes nothing; what a person does is done by
xdotool's mouse and keys. A press by script (`press`) is no gesture: it stands for a director who starts a recording.
"""

from __future__ import annotations

import json
import os
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from websockets.sync.client import ClientConnection, connect

from processes import browser_pids, private_bytes
from waiting import wait_for

READY_S = 60.0
GEOMETRY = (1400, 1000)
UNFINISHED = (".crdownload", ".part")
_Value = TypeVar("_Value")


@contextmanager
def opened_display() -> Iterator[str]:
    """A screen with a window manager; its name (`DISPLAY`)."""
    reading, writing = os.pipe()
    size = "x".join(map(str, (*GEOMETRY, 24)))
    screen = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", size, "-nolisten", "tcp"],
        pass_fds=(writing,),
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as told:
        display = f":{told.readline().strip()}"
    manager = subprocess.Popen(
        ["openbox"],
        env={**os.environ, "DISPLAY": display},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield display
    finally:
        for process in (manager, screen):
            process.terminate()
            process.wait(10)


class PageChanged(Exception):
    """The page that was asked went away before it answered: another one is being opened."""


class RealWindow(ABC):
    """A browser in a window of its own, on a profile in `folder`; its Downloads folder is `downloads`."""

    def __init__(
        self, folder: Path, display: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> None:
        self.downloads = folder / "downloads"
        self.downloads.mkdir(parents=True)
        self._environment = {**os.environ, **(environment or {}), "DISPLAY": display, "HOME": str(folder)}
        self._process = subprocess.Popen(
            [*command, "about:blank"],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._asked = 0
        self._connection = ExitStack()
        self._browser: ClientConnection = self._connection.enter_context(
            connect(wait_for(self._address, "the browser is there", READY_S), max_size=None)
        )

    @property
    @abstractmethod
    def profile(self) -> Path:
        """The folder in which the browser keeps what it knows."""

    @abstractmethod
    def _address(self) -> str | None:
        """Where the browser listens for questions, once it does."""

    @abstractmethod
    def value(self, script: str) -> Any:
        """What an expression gives in the page; a promise is awaited. Raises PageChanged."""

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The browser's answer to a question; both of their protocols have them in the same form."""
        self._asked += 1
        self._browser.send(json.dumps({"id": self._asked, "method": method, "params": parameters}))
        while True:
            answer: dict[str, Any] = json.loads(self._browser.recv(timeout=READY_S))
            if answer.get("id") == self._asked:
                return answer

    # Looking.

    def wait(self, script: str, what: str, seconds: float = 30.0) -> None:
        """Wait until an expression gives something true."""
        wait_for(lambda: self.value(f"!!({script})"), lambda: f"{what}; {self.told()}", seconds)

    def text(self, name: str) -> str:
        """The text of the element of this `data-testid`."""
        return str(self.value(f"document.querySelector('[data-testid={name}]').innerText"))

    def wait_text(self, name: str, text: str, seconds: float = 30.0) -> None:
        """Wait until an element that is seen holds this text."""
        found = f"[...document.querySelectorAll('[data-testid={name}]')].some((one) => one.checkVisibility()"
        wait_for(
            lambda: self.value(f"!!({found} && one.innerText.includes({json.dumps(text)})))"),
            lambda: f"{name} says “{text}”; it says “{self.text(name)}”, told is {self.told()}",
            seconds,
        )

    def told(self) -> list[str]:
        """The notices on the page."""
        return list(self.value("[...document.querySelectorAll('#notices p')].map((one) => one.innerText)"))

    def state(self) -> str:
        """Where the recording stands."""
        return str(self.value("document.querySelector('[data-testid=record]').dataset.state"))

    def saved(self) -> list[Path]:
        """The files in Downloads that have their names and are whole, as far as their names tell."""
        return sorted(one for one in self.downloads.iterdir() if not is_unfinished(one))

    def waits_for(self, count: int, seconds: float = 20.0, named: str = "") -> list[Path]:
        """Wait until so many files, with this in their names, are whole in Downloads."""
        there = [sorted(path.name for path in self.downloads.iterdir())]

        def arrived() -> list[Path] | None:
            there[0] = sorted(path.name for path in self.downloads.iterdir())
            found = [path for path in self.saved() if named in path.name]
            return found if len(found) >= count else None

        return wait_for(arrived, lambda: f"{count} files are saved; there are {there[0]}", seconds)

    def memory(self) -> int:
        """Bytes that all processes of the browser keep to themselves."""
        total = 0
        for pid in browser_pids(self.profile):
            with suppress(OSError):
                total += private_bytes(pid)
        return total

    # What the page does by itself, or a director does.

    def open(self, address: str) -> None:
        """Go there and wait until the page is the guest's."""
        with suppress(PageChanged):
            self.value(f"location.href = {json.dumps(address)}")
        there = f"location.href === {json.dumps(address)}"

        def starts() -> bool:
            with suppress(PageChanged):
                return bool(self.value(f"!!({there} && document.documentElement?.dataset.ready)"))
            return False

        wait_for(starts, lambda: f"it starts; {self.told()}", READY_S)
        assert self.value("document.documentElement.dataset.ready") == "guest", self.told()

    def leave(self) -> None:
        """Go to an empty page; where the browser asks whether to, it is answered."""
        self.value("void setTimeout(() => { location.href = 'about:blank'; })")

        def is_left() -> bool:
            if not any("Rolltape" in title for title in self.windows()):
                return True
            self.keys("Return")
            return False

        wait_for(is_left, "the page is left")

    def press(self, name: str) -> None:
        """Press a button by script: to the browser that is no gesture of the person's."""
        self.value(f"document.querySelector('[data-testid={name}]').click()")

    def record(self, seconds: float = 2.0) -> None:
        """Have a recording begin without a gesture, and run for so long."""
        self.wait("!document.querySelector('[data-testid=record]').disabled", "it can record", READY_S)
        self.press("record")
        self.wait(
            "document.querySelector('[data-testid=record]').dataset.state === 'recording'", "it records", 60
        )
        self.record_on(seconds)

    def record_on(self, seconds: float) -> None:
        """Wait until the page shows at least so much as recorded."""
        shown = "document.querySelector('[data-testid=elapsed]').getAttribute('datetime').slice(2, -1)"
        self.wait(f"{shown} >= {seconds}", f"{seconds} s are recorded", 60)

    def recorded_ms(self) -> int:
        """What the page shows as recorded."""
        shown = "document.querySelector('[data-testid=elapsed]').getAttribute('datetime').slice(2, -1)"
        return round(1000 * float(self.value(shown)))

    def stop(self) -> float:
        """Stop without a gesture; after how many milliseconds the take was over, by the page's own clock."""
        return float(
            self.value(
                """new Promise((resolve) => {
                    const button = document.querySelector("[data-testid=record]");
                    const began = performance.now();
                    const look = () => button.dataset.state === "idle" && resolve(performance.now() - began);
                    new MutationObserver(look).observe(button, { attributes: true });
                    button.click();
                })"""
            )
        )

    # What a person does.

    def click(self, name: str) -> None:
        """Press a button with the mouse: a gesture."""
        x, y = self.value(
            f"""(() => {{
                const button = document.querySelector("[data-testid={name}]");
                button.scrollIntoView({{ block: "center", behavior: "instant" }});
                const box = button.getBoundingClientRect();
                const [left, top] = [(outerWidth - innerWidth) / 2, outerHeight - innerHeight];
                return [screenX + left + box.x + box.width / 2, screenY + top + box.y + box.height / 2];
            }})()"""
        )
        self._xdotool("mousemove", round(x), round(y), "click", 1)

    def keys(self, *keys: object) -> None:
        """Press keys, one after another."""
        self._xdotool("key", *keys)

    def windows(self) -> list[str]:
        """The titles of all windows that are seen."""
        found = self._xdotool("search", "--onlyvisible", "--name", ".").split()
        return [title for window in found if (title := self._xdotool("getwindowname", window))]

    def _xdotool(self, *arguments: object) -> str:
        asked = ["xdotool", *map(str, arguments)]
        done = subprocess.run(asked, env=self._environment, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def close(self) -> None:
        """Quit, whatever is asked."""
        self._connection.close()
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
        self._process.kill()
        self._process.wait(10)


def is_unfinished(path: Path) -> bool:
    """Whether the browser is still writing it, or has never finished it."""
    return path.suffix in UNFINISHED or path.name.startswith(".")
