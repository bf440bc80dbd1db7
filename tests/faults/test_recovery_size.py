"""However long the recording was that broke off: it is recovered in flat memory, and the page shows how far it is."""

from __future__ import annotations

import os
import re
from pathlib import Path

from playwright.sync_api import expect

from bench.synthetic import chunks
from faults.conftest import Scenes
from faults.scene import PATIENCE_S
from processes import private_bytes, renderers
from rolltape.recording.container import stream_for
from rolltape.settings.codec import Container
from waiting import wait_for

BYTES = 3_000_000_000 if os.environ.get("FAULTS") == "all" else 300_000_000
KBPS = 6000
MAY_GROW_BYTES = 100_000_000


def journal_file(profile: Path) -> Path:
    """Where Chromium keeps the largest file of the origin private file system."""
    files = [path for path in profile.glob("**/File System/**/*") if path.is_file()]
    return max(files, key=lambda path: path.stat().st_size)


def lengthen(path: Path) -> int:
    """Put a recording of so many bytes in the place of this one, as a page writes it, torn at its end.

    Returns its length in seconds.
    """
    seconds = BYTES * 8 // (KBPS * 1000)
    stream = stream_for(Container.WEBM)
    with path.open("wb") as file:
        for chunk in chunks(seconds, KBPS):
            file.seek(0, os.SEEK_END)
            file.write(stream.feed(chunk))
            for patch in stream.patches():
                file.seek(patch.offset)
                file.write(patch.data)
        file.truncate(file.seek(0, os.SEEK_END) - 1000)
    return seconds


def test_a_long_recording_is_recovered_in_flat_memory(scenes: Scenes) -> None:
    scene = scenes()
    scene.record(2.0)
    scene.kill()
    seconds = lengthen(journal_file(scene.profile))

    scene.reopen()
    used: list[int] = []
    shown: set[str] = set()

    def recovered() -> bool:
        used.append(max(private_bytes(pid) for pid in renderers(scene.profile)))
        shown.update(re.findall(r"Recovering a recording: (\d+)%", scene.guest.id("recovering").inner_text()))
        return scene.guest.id("take").first.get_attribute("data-state") == "recovered"

    wait_for(recovered, "the take is recovered", PATIENCE_S)
    print(f"{len(shown)} shares shown; {(max(used) - used[0]) / 1e6:.0f} MB more for {BYTES / 1e9:.1f} GB")
    assert len(shown) > 2
    assert max(used) - used[0] < MAY_GROW_BYTES
    (shown_length,) = re.findall(r"· ([\d:]+) ·", scene.guest.id("take").first.inner_text())
    length = sum(int(part) * 60**power for power, part in enumerate(reversed(shown_length.split(":"))))
    assert seconds - 1 <= length <= seconds
    expect(scene.guest.id("recovering")).to_have_text("")
