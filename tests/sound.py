"""Sound hardware that swallows all: Firefox runs no AudioContext without (quirk 4)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from waiting import wait_for


@dataclass(frozen=True)
class Sound:
    """A sound server, and where programs find it (`PULSE_SERVER`)."""

    address: str
    process: subprocess.Popen[bytes]


@contextmanager
def opened_sound(folder: Path, *more: str) -> Iterator[Sound]:
    """A sound server with a socket in this folder, and with these modules more."""
    socket = folder / "socket"
    modules = (
        "module-null-sink rate=48000",
        f"module-native-protocol-unix auth-anonymous=1 socket={socket}",
        *more,
    )
    server = subprocess.Popen(
        ["pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]
        + [argument for module in modules for argument in ("-L", module)],
        env={**os.environ, "HOME": str(folder), "PULSE_RUNTIME_PATH": str(folder)},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(socket.exists, "the sound server is there")
        yield Sound(f"unix:{socket}", server)
    finally:
        server.terminate()
        server.wait(10)
