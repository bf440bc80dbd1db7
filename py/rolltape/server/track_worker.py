"""`rolltape track-worker FOLDER`: makes the tracks that directors ask for, beside the hosts that keep the takes."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rolltape.server import log as logs
from rolltape.server.bucket import leave
from rolltape.server.takes_options import (
    CannotKeep,
    add_worker_arguments,
    track_workers,
    worker_bucket,
    worker_store,
)

if TYPE_CHECKING:
    from rolltape.server.bucket import Bucket
    from rolltape.server.takes_store import TakesStore

__all__ = ["add_arguments", "work"]

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `rolltape track-worker` to a parser."""
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the folder that the host keeps takes in")
    add_worker_arguments(parser)


def work(options: argparse.Namespace) -> int:
    """Work until it is told to end; return the exit status, or end the process with it."""
    logs.write_json_lines()
    try:
        count = track_workers(options)
        if not count:
            raise CannotKeep("Making tracks needs PyAV, which pip installs with rolltape[tracks].")
        store = worker_store(options.folder)
        bucket = worker_bucket(store)
    except CannotKeep as error:
        print(error, file=sys.stderr)
        return 1
    asyncio.run(_work(store, count, bucket))
    store.close()
    if bucket is not None:
        leave(0)
    return 0


async def _work(store: TakesStore, count: int, bucket: Bucket | None) -> None:
    from rolltape.server.tracks_worker import TracksWorkers

    told = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, told.set)
    workers = TracksWorkers(store, count, _broke_off, bucket)
    await workers.start()
    log.info("Working.", extra={"workers": count})
    await told.wait()
    await workers.close()


def _broke_off(what: str) -> None:
    """It is logged where it happens."""
