"""What a take's files tell of its clocks by themselves: a tag that its page put into each of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from rolltape.core.json_fields import Fields
from rolltape.media.webm_tags import CLOCK_TAG, tag_in

__all__ = ["clock_in_files", "found_files"]

MAX_ROWS = 100_000


def found_files(take: Fields, folder: Path) -> list[Path]:
    """Return the files of a take of a session file that are in the folder. Raises ValueError."""
    found = []
    for part in take.rows("parts", MAX_ROWS):
        names = (part.text("file", ""), part.text("saved_as", ""))
        paths = [folder / Path(name).name for name in names if name]
        found += [path for path in dict.fromkeys(paths) if path.is_file()]
    return found


def clock_in_files(paths: Iterable[Path]) -> Fields | None:
    """Return what the files of one take tell of its clocks, as a session file has it (`docs/session-file.md`).

    None where none of them tells. Rows are not looked into. Raises OSError.
    """
    told = [found for path in paths if (found := _told(path)) is not None]
    if not told:
        return None
    rows: dict[str, list[object]] = {"tracks": [], "readings": [], "marks": []}
    for one in told:
        for name, before in rows.items():
            said = one.get(name)
            before += [row for row in said if row not in before] if isinstance(said, list) else []
    return Fields.from_json(json.dumps({"browser": told[0].get("browser", ""), **rows}))


def _told(path: Path) -> Mapping[str, object] | None:
    """The tag of a file; None where it has none, or one that makes no sense."""
    with path.open("rb") as file:

        def read(start: int, end: int) -> bytes:
            file.seek(start)
            return file.read(end - start)

        text = tag_in(read, CLOCK_TAG)
    try:
        return None if text is None else Fields.from_json(text).plain()
    except ValueError:
        return None
