"""Chromium and Firefox as a person has them: plain processes in windows (`real_window.py`)."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from real_window import PageChanged, RealWindow
from waiting import wait_for

PERMISSION = "navigator.permissions.query({ name: 'background-fetch' }).then((one) => one.state)"
"""How it stands with Chromium's question about several files (browser quirk 20)."""
ON_SCREEN_AFTER_S = 2.5


class RealChromium(RealWindow):
    """Chromium, looked at by `Runtime.evaluate` of the DevTools protocol; its camera and microphone are made up."""

    def __init__(
        self,
        folder: Path,
        display: str,
        flags: Sequence[str] = (),
        preferences: Mapping[str, Any] | None = None,
    ) -> None:
        self._profile = folder / "profile"
        (self.profile / "Default").mkdir(parents=True)
        where = {"default_directory": str(folder / "downloads"), "prompt_for_download": False}
        settings = {"download": where | dict((preferences or {}).get("download", {}))}
        (self.profile / "Default" / "Preferences").write_text(json.dumps({**(preferences or {}), **settings}))
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        super().__init__(
            folder,
            display,
            ["chromium", f"--user-data-dir={self.profile}", "--remote-debugging-port=0", "--lang=en-US"]
            + ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
            + ["--disable-sync", "--password-store=basic", "--use-fake-device-for-media-stream"]
            + [*root, *flags],
        )

    @property
    def profile(self) -> Path:
        return self._profile

    def _address(self) -> str | None:
        """The page's own end of the protocol."""
        with suppress(OSError, IndexError):
            port = (self.profile / "DevToolsActivePort").read_text().split()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json", timeout=5) as answer:
                pages = [one for one in json.load(answer) if one["type"] == "page"]
            return str(pages[0]["webSocketDebuggerUrl"])
        return None

    def value(self, script: str) -> Any:
        answer = self._ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "error" in answer:
            raise PageChanged(answer["error"]["message"])
        result = answer["result"]
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def allow(self) -> None:
        """Say yes in the browser's question about several files."""
        self._answer("--delay", 200, "alt+shift+a", "Tab", "Return")

    def refuse(self) -> None:
        """Close the browser's question about several files, which it takes for a no."""
        self._answer("Escape")
        assert self.value(PERMISSION) == "denied"

    def _answer(self, *keys: object) -> None:
        """Press these keys once it has asked for long enough to be on the screen.

        Keys that come before go to the page, are gestures there, and make one more file free.
        """
        asks = f"{PERMISSION}.then((state) => state === 'prompt')"
        began = [time.monotonic()]

        def asks_long() -> bool:
            if not self.value(asks):
                began[0] = time.monotonic()
            return time.monotonic() - began[0] >= ON_SCREEN_AFTER_S

        wait_for(asks_long, "it asks", 30)
        self._xdotool("key", *keys)
        wait_for(lambda: not self.value(asks), "the question is answered", 30)


class RealFirefox(RealWindow):
    """Firefox, looked at by `script.evaluate` of WebDriver BiDi; its camera and microphone are made up.

    The preferences that browsers under a driver get, which hide some of their questions, are not set.
    """

    def __init__(
        self,
        folder: Path,
        display: str,
        preferences: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._profile = folder / "profile"
        self.profile.mkdir(parents=True)
        set_up = {
            "remote.prefs.recommended": False,
            "media.navigator.streams.fake": True,
            "browser.download.folderList": 2,  # the folder that is named
            "browser.download.dir": str(folder / "downloads"),
            "browser.shell.checkDefaultBrowser": False,
            "browser.aboutwelcome.enabled": False,
            "browser.startup.homepage_override.mstone": "ignore",
            "datareporting.policy.dataSubmissionEnabled": False,
            "app.normandy.enabled": False,
            "network.captive-portal-service.enabled": False,
            **(preferences or {}),
        }
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in set_up.items()]
        (self.profile / "user.js").write_text("\n".join(lines))
        command = ["firefox-esr", "--profile", str(self.profile), "--no-remote", "--remote-debugging-port=0"]
        super().__init__(folder, display, command, environment)
        self._ask(
            "session.new", capabilities={"alwaysMatch": {"unhandledPromptBehavior": {"default": "ignore"}}}
        )
        tree = self._ask("browsingContext.getTree")
        self._tab = tree["result"]["contexts"][0]["context"]

    @property
    def profile(self) -> Path:
        return self._profile

    def _address(self) -> str | None:
        """The browser's own end of the protocol; the file is there before it is whole."""
        with suppress(OSError, ValueError):
            told = json.loads((self.profile / "WebDriverBiDiServer.json").read_text())
            return f"ws://{told['ws_host']}:{told['ws_port']}/session"
        return None

    def value(self, script: str) -> Any:
        expression = f"Promise.resolve({script}).then((value) => JSON.stringify(value))"
        answer = self._ask(
            "script.evaluate", expression=expression, awaitPromise=True, target={"context": self._tab}
        )
        if answer["type"] == "error":
            raise PageChanged(answer["message"])
        result = answer["result"]
        assert result["type"] == "success", result
        given = result["result"].get("value")
        return None if given is None else json.loads(given)

    def allow_devices(self) -> None:
        """Say yes in the browser's question for camera and microphone."""
        self._answer_devices("alt+a")

    def refuse_devices(self) -> None:
        """Say no there."""
        self._answer_devices("alt+b")

    def _answer_devices(self, key: str) -> None:
        """Press it until the page has its answer: a question that has only just come up takes none yet."""

        def is_answered() -> bool:
            self.keys(key)
            return "Looking for" not in self.text("readiness")

        wait_for(is_answered, "the question for camera and microphone is answered")
