"""The options of `rolltape serve` for takes: where they are kept, how much of them, for how long, and of whom."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rolltape.server.takes_store import TakesStore

__all__ = [
    "CannotKeep",
    "add_takes_arguments",
    "add_worker_arguments",
    "default_folder",
    "keeper",
    "track_workers",
    "worker_store",
]

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = re.compile(r"(\d{1,15})\s*([KMGT]?)B?", re.IGNORECASE)


class CannotKeep(Exception):
    """Takes cannot be kept here; a sentence."""


def add_takes_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for takes to the parser of `rolltape serve`."""
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument(
        "--takes",
        type=Path,
        metavar="FOLDER",
        help=f"keep the recordings that guests' pages send in this folder (default: {default_folder()})",
    )
    kept.add_argument("--no-takes", action="store_true", help="keep no recordings; nothing is sent")
    parser.add_argument(
        "--takes-limit",
        type=_size,
        metavar="SIZE",
        help="keep no more than this, such as 500G (default: as much as leaves a twentieth of the disk free)",
    )
    parser.add_argument(
        "--keep-days",
        type=_days,
        metavar="N",
        help="delete a recording this long after it has arrived (default: never)",
    )
    add_worker_arguments(parser)
    parser.add_argument(
        "--takes-for-all",
        action="store_true",
        help="lend this host's disk and TURN relay to every room, not only to those opened with the host's key",
    )


def add_worker_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for making tracks to a parser."""
    parser.add_argument(
        "--track-workers",
        type=_count,
        metavar="N",
        help="make tracks of so many sessions at once, each in a process of the lowest priority; 0: of none "
        "(default: half the cores, where rolltape[tracks] is installed)",
    )


def keeper(options: argparse.Namespace) -> TakesStore | None:
    """Open the folder that these options name; None where no takes are to be kept. Raises CannotKeep."""
    if options.no_takes:
        return None
    folder = options.takes or default_folder()
    try:
        from rolltape.server.takes_store import TakesStore
        from rolltape.server.takes_usage import Quotas

        return TakesStore(folder, Quotas(all=options.takes_limit), options.keep_days)
    except ModuleNotFoundError:
        raise CannotKeep(
            "This system cannot keep recordings as they should be: it has no file locks."
        ) from None
    except OSError as error:
        raise CannotKeep(
            f"Recordings cannot be kept in {folder}: {error.strerror}. Name another folder with --takes, or say "
            "--no-takes."
        ) from None


def track_workers(options: argparse.Namespace) -> int:
    """Return how many workers make tracks here. Raises CannotKeep where some are asked for that cannot."""
    from rolltape.server.tracks_worker import can_make_tracks, default_workers

    if can_make_tracks():
        return default_workers() if options.track_workers is None else options.track_workers
    if options.track_workers:
        raise CannotKeep("--track-workers needs PyAV, which pip installs with rolltape[tracks].")
    return 0


def worker_store(folder: Path) -> TakesStore:
    """Open the folder that hosts keep takes in, which must be there. Raises CannotKeep."""
    if not folder.is_dir():
        raise CannotKeep(f"There is no folder {folder}: name the one that the host keeps takes in.")
    store = keeper(argparse.Namespace(no_takes=False, takes=folder, takes_limit=None, keep_days=None))
    assert store is not None
    return store


def default_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where takes are kept if nobody says where: in a checkout, in `takes` there; else with the user's data.

    That is the XDG Base Directory Specification's folder.
    """
    checkout = Path(__file__).resolve().parents[3]
    if (checkout / "pyproject.toml").exists():
        return checkout / "takes"
    data = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "rolltape" / "takes"


def _size(text: str) -> int:
    """Read a number of bytes as an option says it. Raises ArgumentTypeError.

    >>> _size("500G"), _size("20 MB"), _size("7")
    (500000000000, 20000000, 7)
    """
    match = _SIZE.fullmatch(text.strip())
    if not match:
        raise argparse.ArgumentTypeError(f"{text} is no size, such as 500G")
    return int(match[1]) * UNITS[match[2].upper()]


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > 1000:
        raise argparse.ArgumentTypeError(f"{text} is no number of workers")
    return int(text)


def _days(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 36500:
        raise argparse.ArgumentTypeError(f"{text} is no number of days")
    return int(text)
