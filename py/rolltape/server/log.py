"""The log: one JSON object a line on standard error, without secrets, keys, tokens or names of people."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from collections import Counter

__all__ = ["ClientErrors", "JsonLines", "RepeatFilter", "room_mark", "write_json_lines"]

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


class JsonLines(logging.Formatter):
    """Writes a record with what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line of JSON: time, level, message, and what was given as `extra`."""
        said: dict[str, object] = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "from": record.name,
            "what": record.getMessage(),
        }
        said |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)


class ClientErrors(logging.Filter):
    """Takes the trace off what uvicorn logs of text that is not UTF-8: the client's fault, and no news of ours."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always True."""
        error = record.exc_info and record.exc_info[1]
        if record.name == "uvicorn.error" and isinstance(error, UnicodeDecodeError):
            record.exc_info = None
            record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True


class RepeatFilter(logging.Filter):
    """Lets the same message pass so many times a minute: a flood of mistakes must not become one of log lines."""

    def __init__(self, a_minute: int = 30) -> None:
        super().__init__()
        self._a_minute = a_minute
        self._minute = 0
        self._seen: Counter[tuple[str, str]] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """True if this one passes; the last that does says so."""
        if int(record.created // 60) != self._minute:
            self._minute = int(record.created // 60)
            self._seen.clear()
        which = record.name, str(record.msg)[:80]
        self._seen[which] += 1
        if self._seen[which] == self._a_minute:
            record.more = "no more of these in this minute"
        return self._seen[which] <= self._a_minute


def write_json_lines(level: int = logging.INFO) -> None:
    """Have everything that is logged from here on, by us and by libraries, go to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(ClientErrors())
    handler.addFilter(RepeatFilter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("rolltape").setLevel(level)


def room_mark(room: str) -> str:
    """Return a room's fingerprint for the log: who knows the name can find it, who reads the log cannot enter."""
    return hashlib.sha256(room.encode()).hexdigest()[:10]
