"""Server processes of tests' own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from waiting import wait_for

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": f"{ROOT / 'py'}:{ROOT / 'tests'}"}


class Process:
    """A server process of its own, with the options of `server.process`; its clock is wrong by `clock_s`."""

    def __init__(
        self, log: Path | None = None, environment: Mapping[str, str] | None = None, **options: object
    ) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self._log = log or Path(os.devnull)
        self._environment = ENVIRONMENT | dict(environment or {})
        self._clock_s = options.pop("clock_s", 0)
        self._options = {"port": self.port} | options
        self.start()

    def start(self) -> None:
        """Start it; again, once it has ended."""
        with self._log.open("a") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "server.askew", str(self._clock_s), json.dumps(self._options)],
                env=self._environment,
                stderr=errors,
            )

    def wait(self) -> None:
        wait_for(self._answers, "the process answers", 20)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def end(self, how: signal.Signals) -> int:
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(10)

    @property
    def memory_bytes(self) -> int:
        """What it keeps in memory right now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) * 1024
        return 0
