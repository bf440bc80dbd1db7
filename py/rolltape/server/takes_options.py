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

__all__ = ["CannotKeep", "add_takes_arguments", "default_folder", "keeper"]

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
    parser.add_argument(
        "--takes-for-all",
        action="store_true",
        help="lend this host's disk and TURN relay to every room, not only to those opened with the host's key",
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


def _days(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= 36500:
        raise argparse.ArgumentTypeError(f"{text} is no number of days")
    return int(text)
