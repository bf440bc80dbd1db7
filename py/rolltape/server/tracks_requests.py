"""Tracks over HTTP: a director has them made of a session, or cancels it (`docs/protocol.md`, Tracks)."""

from __future__ import annotations

import logging
import time

from starlette.responses import Response
from starlette.routing import BaseRoute

from rolltape.arrivals.tracks import ListedTracks, TracksRequest
from rolltape.core.json_fields import compact_json
from rolltape.server.limits import Limiter
from rolltape.server.log import room_mark
from rolltape.server.takes_refused import Refused
from rolltape.server.takes_request import Asked, RequestGate, answer
from rolltape.server.tracks_store import TracksStore

__all__ = ["TracksRequests"]

log = logging.getLogger(__name__)


class TracksRequests:
    """Answers what directors ask of tracks; what is there of them is in the list of takes."""

    def __init__(self, tracks: TracksStore, gate: RequestGate) -> None:
        self._tracks = tracks
        self._gate = gate
        self._asked = Limiter(gate.limits.tracks, time.monotonic)
        self.routes: list[BaseRoute] = [
            gate.route("/api/tracks", "POST", self._ask),
            gate.route("/api/tracks/{session}", "DELETE", self._cancel),
        ]

    async def _ask(self, asked: Asked) -> Response:
        _check_director(asked)
        if not self._asked.allows(asked.owner.room_folder):
            raise Refused.rate(5)
        with self._gate.counted(asked):
            wanted = await self._gate.said(asked, TracksRequest.from_json)
            listed = await self._gate.in_thread(lambda: self._put(asked, wanted))
        log.info("Tracks are asked for.", extra={"room": room_mark(asked.owner.room)})
        return answer(compact_json(listed.to_plain()))

    def _put(self, asked: Asked, wanted: TracksRequest) -> ListedTracks:
        queue = self._tracks.queue
        if not queue.is_anybody_there():
            raise Refused.no_worker()
        return queue.listed(self._tracks.ask(asked.owner, wanted))

    async def _cancel(self, asked: Asked) -> Response:
        _check_director(asked)
        session = str(asked.request.path_params["session"])
        with self._gate.counted(asked):
            await self._gate.in_thread(lambda: self._tracks.cancel(asked.owner, session))
        return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _check_director(asked: Asked) -> None:
    if not asked.is_director:
        raise Refused.forbidden("Only a director has tracks made of a session.")
