"""Scripts of Firefox itself, run through its debugger: what a person does outside the page, and no driver can."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from browsers import Preferences

PREFERENCES: Preferences = {
    "devtools.debugger.remote-enabled": True,
    "devtools.debugger.prompt-connection": False,
    "devtools.chrome.enabled": True,
}


def run_inside(path: Path, script: str) -> None:
    """Run this script in the process of the Firefox that listens on this socket; asserts that it does not raise."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        talk = _Talk(connection)
        process = talk.ask("root", "getProcess", id=0)["processDescriptor"]["actor"]
        console = talk.ask(process, "getTarget")["process"]["consoleActor"]
        result = talk.ask(console, "evaluateJSAsync", text=script)["resultID"]
        told = talk.hear(lambda message: message.get("resultID") == result and "hasException" in message)
        assert not told["hasException"], told.get("exceptionMessage")


class _Talk:
    """Messages of Firefox's remote debugging protocol: a length, a colon, JSON."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(20)
        self._connection = connection
        self._stream = connection.makefile("rb")

    def ask(self, to: str, type: str, **given: object) -> dict[str, Any]:
        """Send a request; its answer has no type, what is told unasked has one."""
        data = json.dumps({"to": to, "type": type, **given}).encode()
        self._connection.sendall(b"%d:%s" % (len(data), data))
        return self.hear(lambda message: message["from"] == to and "type" not in message)

    def hear(self, is_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The next message that is it."""
        while True:
            length = b""
            while (byte := self._stream.read(1)) != b":":
                assert byte, "Firefox hung up."
                length += byte
            message: dict[str, Any] = json.loads(self._stream.read(int(length)))
            if "applicationType" not in message and is_it(message):  # that is how it greets
                return message
