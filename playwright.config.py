"""Browsers, launch flags, fake devices and the base URL: the one place tests take them from.

Playwright for Python has no configuration file of its own; `tests/conftest.py` runs this one and reads its
names.
"""

import shutil

# Bound to the loopback interface, on a port of the system's choice, by the fixture that starts the server.
BASE_HOST = "127.0.0.1"

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FIREFOX = shutil.which("firefox-esr") or "/usr/bin/firefox-esr"

CHROMIUM_FLAGS = [
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
]

FIREFOX_PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    "browser.download.folderList": 2,
    "browser.download.useDownloadDir": True,
    "browser.download.alwaysOpenPanel": False,
}

# Starting Python in a page takes seconds on two busy cores.
READY_TIMEOUT_MS = 60_000
EXPECT_TIMEOUT_MS = 60_000


# Camera and microphone are allowed without asking, and cannot be withdrawn; without this flag CDP decides.
ALLOWED = "--use-fake-ui-for-media-stream"


def chromium_launch(
    video: str = "", audio: str = "", extra: tuple[str, ...] = (), *, allowed: bool = True
) -> dict[str, object]:
    """Arguments for `chromium.launch`; `video` (y4m, mjpeg) and `audio` (wav) feed the fake devices."""
    files = [f"--use-file-for-fake-video-capture={video}"] if video else []
    files += [f"--use-file-for-fake-audio-capture={audio}"] if audio else []
    files += [ALLOWED] if allowed else []
    return {"executable_path": CHROMIUM, "args": [*CHROMIUM_FLAGS, *files, *extra]}


def firefox_launch(downloads: str, extra: dict[str, str | float | bool] | None = None) -> dict[str, object]:
    """Arguments for `firefox.launch`: Debian's Firefox over WebDriver BiDi, saving into `downloads`."""
    return {
        "channel": "moz-firefox",
        "executable_path": FIREFOX,
        "firefox_user_prefs": {**FIREFOX_PREFERENCES, **(extra or {}), "browser.download.dir": downloads},
    }
