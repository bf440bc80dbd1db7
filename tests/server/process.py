"""One of several server processes, with short leases: `python -m server.process PORT REDIS LEASE_S`."""

from __future__ import annotations

import sys
from pathlib import Path

import uvicorn

from rolltape.server.app import create_app
from rolltape.server.limits import Limits
from rolltape.server.log import write_json_lines
from rolltape.server.redis_store import RedisStore
from rolltape.server.rooms import MAX_PACKET, Rooms, RoomsOptions

if __name__ == "__main__":
    port, url, lease_s = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
    write_json_lines()
    options = RoomsOptions(Limits.for_addresses(2000), redis_url=url, lease_s=lease_s)
    rooms = Rooms(b"s" * 40, RedisStore(url, lease_s), options)
    uvicorn.run(
        create_app(Path(__file__).resolve().parents[2], rooms),
        port=port,
        log_config=None,
        ws_max_size=MAX_PACKET,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
