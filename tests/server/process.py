"""A server process as tests want it, with short times: `python -m server.process '{"port": 1, …}'`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import uvicorn

from rolltape.server.app import create_app
from rolltape.server.bucket import Bucket
from rolltape.server.hosting import Hosting
from rolltape.server.limits import Limits
from rolltape.server.log import write_json_lines
from rolltape.server.protocols import HttpProtocol, WebSocketProtocol
from rolltape.server.redis_store import RedisStore
from rolltape.server.rooms import MAX_FRAME, Rooms, RoomsOptions
from rolltape.server.store import LEASE_S
from rolltape.server.takes import Takes
from rolltape.server.takes_mover import Pace
from rolltape.server.takes_request import TakesLimits
from rolltape.server.takes_store import TakesStore
from rolltape.server.takes_usage import Quotas
from rolltape.server.tokens import Tokens

if __name__ == "__main__":
    wanted = json.loads(sys.argv[1])
    write_json_lines()
    url, lease_s = wanted.get("redis", ""), wanted.get("lease_s", LEASE_S)
    hosting = Hosting("h" * 22, wanted.get("for_all", True), "takes" in wanted)
    options = RoomsOptions(
        Limits(**wanted.get("limits", {})),
        hosting=hosting,
        metrics_token=b"t" * 32,
        redis_url=url,
        lease_s=lease_s,
    )
    rooms = Rooms(b"s" * 40, RedisStore(url, lease_s) if url else None, options)
    takes = None
    if "takes" in wanted:
        quotas = Quotas(**{"free": 0} | wanted.get("quotas", {}))
        limits = TakesLimits(**wanted.get("takes_limits", {}))
        store = TakesStore(Path(wanted["takes"]), quotas, track_lease_s=wanted.get("track_lease_s", 15))
        bucket = None
        if wanted.get("bucket"):
            bucket = Bucket.open(wanted["bucket"])
            store.spool.use(bucket.url)
        pace = Pace(look_s=0.2, first_pause_s=0.1)
        takes = Takes(store, Tokens(b"s" * 40), limits, rooms, wanted.get("track_workers", 0), bucket, pace)
    uvicorn.run(
        create_app(Path(__file__).resolve().parents[2], rooms, takes=takes),
        port=wanted["port"],
        http=HttpProtocol,
        ws=WebSocketProtocol,
        log_config=None,
        log_level="warning",
        proxy_headers=wanted.get("trust_proxy", False),
        ws_max_size=MAX_FRAME,
        ws_ping_interval=None,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
    )
