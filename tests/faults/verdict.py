"""The verdict on a fault: what is left in Downloads and on the shelf, and how many milliseconds are lost."""

from __future__ import annotations

from pathlib import Path

from faults.kept import Kept, kept, played_ms
from faults.report import Row
from faults.scene import Scene

MAY_LOSE_MS = 2000


def judge(
    scene: Scene,
    report: list[Row],
    fault: str,
    elapsed_ms: int,
    *,
    state: str = "recovered",
    parts: int = 1,
    may_lose_ms: int = MAY_LOSE_MS,
    remark: str = "",
    downloads_complete: bool = False,
) -> Kept:
    """Save the newest take, count its frames, add the report's row, and assert that no more is lost than may be.

    With `downloads_complete` the copy in Downloads is the whole one; the shelf's may be shorter, but not torn.
    """
    row = scene.row(state)
    copies = scene.in_downloads()
    saved = scene.saved(row, parts)
    # Firefox's fake camera shows no frame numbers.
    numbered = scene.browser == "Chromium"
    found = kept(copies if downloads_complete else saved, numbered, starts(scene) if parts > 1 else (0,))
    lost_ms = max(0, elapsed_ms - found.held_ms)
    on_shelf_ms = kept(saved, numbered=False).held_ms if downloads_complete else found.held_ms
    shelf = f"{_share(on_shelf_ms, elapsed_ms)}, {state}"
    report.append(Row(scene.browser, fault, _in_downloads(copies, elapsed_ms), shelf, lost_ms, remark))
    assert lost_ms <= may_lose_ms, f"{lost_ms} ms of {elapsed_ms} are lost."
    return found


def starts(scene: Scene) -> list[int]:
    """When each part of the newest take that holds something begins, by its log."""
    return [part["started_ms"] for part in scene.guest.log()["parts"] if part["bytes"]]


def _share(held_ms: int, elapsed_ms: int) -> str:
    return f"{min(100, round(100 * held_ms / elapsed_ms))} %"


def _in_downloads(copies: list[Path], elapsed_ms: int) -> str:
    if not copies:
        return "nothing"
    told = []
    for path in copies:
        name = path.suffix if path.suffix in (".crdownload", ".part") else f"{path.suffix}, under its name"
        plays = f"plays {_share(played_ms(path), elapsed_ms)}" if played_ms(path) else "does not play"
        told.append(f"{path.stat().st_size / 1000:.0f} kB ({name}), {plays}")
    return "; ".join(told)
