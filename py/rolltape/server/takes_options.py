"""The options of `rolltape serve` for takes: where they are kept, how much of them, for how long, and of whom."""

from __future__ import annotations

import argparse
import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from rolltape.server.bucket import Bucket, BucketTrouble, is_bucket

if TYPE_CHECKING:
    from rolltape.server.takes_store import TakesStore

__all__ = [
    "CannotKeep",
    "add_takes_arguments",
    "add_worker_arguments",
    "bucket_of",
    "default_folder",
    "folder_of",
    "keeper",
    "track_workers",
    "worker_bucket",
    "worker_store",
]

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
log = logging.getLogger(__name__)
_SIZE = re.compile(r"(\d{1,15})\s*([KMGT]?)B?", re.IGNORECASE)


class CannotKeep(Exception):
    """Takes cannot be kept here; a sentence."""


def add_takes_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options for takes to the parser of `rolltape serve`."""
    kept = parser.add_mutually_exclusive_group()
    kept.add_argument(
        "--takes",
        type=_place,
        metavar="FOLDER",
        help=f"keep the recordings that guests' pages send in this folder (default: {default_folder()}), "
        "or in a bucket: s3://BUCKET, gs://BUCKET, az://CONTAINER, each with /PREFIX if there is to be one",
    )
    kept.add_argument("--no-takes", action="store_true", help="keep no recordings; nothing is sent")
    parser.add_argument(
        "--takes-spool",
        type=Path,
        metavar="FOLDER",
        help="with a bucket: the folder where recordings arrive before they are moved there "
        f"(default: {default_folder()})",
    )
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
    folder = folder_of(options)
    try:
        from rolltape.server.takes_store import TakesStore
        from rolltape.server.takes_usage import Quotas

        store = TakesStore(folder, Quotas(all=options.takes_limit), options.keep_days)
    except ModuleNotFoundError:
        raise CannotKeep(
            "This system cannot keep recordings as they should be: it has no file locks."
        ) from None
    except OSError as error:
        raise CannotKeep(
            f"Recordings cannot be kept in {folder}: {error.strerror}. Name another folder with --takes, or say "
            "--no-takes."
        ) from None
    return store


def folder_of(options: argparse.Namespace) -> Path:
    """Return the folder where recordings arrive. Raises CannotKeep where the options do not fit together."""
    in_bucket = isinstance(options.takes, str)
    if options.takes_spool and not in_bucket:
        raise CannotKeep("--takes-spool goes with a bucket in --takes, such as s3://recordings.")
    return Path((options.takes_spool if in_bucket else options.takes) or default_folder())


async def bucket_of(options: argparse.Namespace, store: TakesStore) -> Bucket | None:
    """Return the bucket that these options name, once it was tried; None where there is to be none.

    One that does not answer now may do so later; it is logged. Raises CannotKeep where it never would.
    """
    before = store.spool.url
    url = options.takes if isinstance(options.takes, str) else ""
    if not url:
        if before:
            log.warning(
                "Recordings that were moved into a bucket cannot be had: say --takes with it.",
                extra={"bucket": before},
            )
        return None
    if before and before != url:
        raise CannotKeep(
            f"Recordings of this folder were moved into {before}: name that in --takes, or another folder in "
            "--takes-spool."
        )
    try:
        bucket = Bucket.open(url)
        await bucket.check()
    except BucketTrouble as trouble:
        if trouble.is_lasting:
            raise CannotKeep(str(trouble)) from None
        log.warning("Recordings stay in the spool for now.", extra={"why": str(trouble)})
    store.spool.use(url)
    return bucket


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
    store = keeper(
        argparse.Namespace(no_takes=False, takes=folder, takes_spool=None, takes_limit=None, keep_days=None)
    )
    assert store is not None
    return store


def worker_bucket(store: TakesStore) -> Bucket | None:
    """Return the bucket that the host's recordings were moved into; None if there is none. Raises CannotKeep."""
    try:
        return Bucket.open(store.spool.url) if store.spool.url else None
    except BucketTrouble as trouble:
        raise CannotKeep(str(trouble)) from None


def default_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where takes are kept if nobody says where: in a checkout, in `takes` there; else with the user's data.

    That is the XDG Base Directory Specification's folder.
    """
    checkout = Path(__file__).resolve().parents[3]
    if (checkout / "pyproject.toml").exists():
        return checkout / "takes"
    data = environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "rolltape" / "takes"


def _place(text: str) -> Path | str:
    """Read where recordings are to be kept: a folder, or a bucket's address. Raises ArgumentTypeError."""
    if "://" not in text:
        return Path(text)
    if not is_bucket(text):
        raise argparse.ArgumentTypeError(
            "a bucket is s3://BUCKET, gs://BUCKET or az://CONTAINER, with /PREFIX if there is to be one; "
            "credentials are no part of it"
        )
    return text.rstrip("/")


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
