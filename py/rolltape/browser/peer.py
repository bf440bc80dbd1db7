"""One connection to one member of a room (WebRTC 1.0): what is sent, what arrives, at what rate."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from js import Event, MediaStream, MediaStreamTrack, console, window
from pyodide.ffi import JsException, jsnull, to_js

from rolltape.browser.interop import Listeners, maybe, member
from rolltape.core.errors import Unsupported
from rolltape.room.messages import Description, IceCandidate, IceServer
from rolltape.room.peers import Arriving, SendLimits
from rolltape.room.sdp import with_stereo_opus

RTCPeerConnection = member(window, "RTCPeerConnection")
"""None where the browser makes no calls (quirk 7)."""
KINDS = ("audio", "video")
DISCONNECTED_S = 4.0
"""A connection that is interrupted often comes back by itself; after this it is made anew."""


class Outgoing:
    """What this page sends to others: clones of what is captured, so that muting them never mutes a recording.

    A clone is made when the first connection asks for it: a camera with one cannot change its size any more.
    """

    def __init__(self) -> None:
        self._captured: dict[str, MediaStreamTrack] = {}
        self._clones: dict[str, MediaStreamTrack] = {}
        self._muted = {"audio": False, "video": False}

    def use(self, camera: MediaStreamTrack | None, microphone: MediaStreamTrack | None) -> None:
        """Send these from now on; `Connection.refresh` makes it so."""
        self.close()
        both = {"audio": microphone, "video": camera}
        self._captured = {kind: track for kind, track in both.items() if track is not None}

    def track(self, kind: str) -> MediaStreamTrack | None:
        """Return the clone that is sent of `audio` or `video`, made if need be; None where none is captured."""
        if kind in self._captured and kind not in self._clones:
            self._clones[kind] = self._captured[kind].clone()
            self._clones[kind].enabled = not self._muted[kind]
        return self._clones.get(kind)

    def mute(self, kind: str, on: bool) -> None:
        """Send silence or black of this kind, or what is captured again."""
        self._muted[kind] = on
        if kind in self._clones:
            self._clones[kind].enabled = not on

    def close(self) -> None:
        """Let go of the clones, and of what they are made of."""
        self._captured = {}
        while self._clones:
            self._clones.popitem()[1].stop()


class Peer:
    """A connection (`peers.Connection`)."""

    def __init__(
        self,
        outgoing: Outgoing,
        servers: Sequence[IceServer],
        polite: bool,
        say: Callable[[Description | IceCandidate], None],
        show: Callable[[object | None], None],
        failed: Callable[[], None],
    ) -> None:
        self._outgoing = outgoing
        self._polite = polite
        self._say = say
        self._show = show
        self._failed = failed
        self._making_offer = False
        self._ignoring = False
        self._limits: SendLimits | None = None
        self._counted: dict[str, tuple[float, float]] = {}
        self._answers = 0
        """Of the other side to connectivity checks, as counted when it was last asked how long they take."""
        self._stream = MediaStream.new()
        self._waiting: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        wanted = to_js({"iceServers": [_as_plain(one) for one in servers], "bundlePolicy": "max-bundle"})
        try:
            self._connection = RTCPeerConnection.new(wanted)
        except JsException as error:
            console.warn(f"A connection was not made: {error}")
            raise Unsupported("This browser makes no more connections.", str(error)) from None
        self._listeners = Listeners()
        for event, handler in (
            ("negotiationneeded", lambda event: self._spawn(self._negotiate())),
            ("icecandidate", self._on_candidate),
            ("track", self._on_track),
            ("connectionstatechange", self._on_state),
        ):
            self._listeners.add(self._connection, event, handler)

    async def offer(self) -> None:
        """Add one line for sound and one for the picture; the browser then negotiates, and `say` gets the offer."""
        for kind in KINDS:
            track = self._outgoing.track(kind)
            self._connection.addTransceiver(kind if track is None else track, direction="sendrecv")

    async def describe(self, description: Description) -> None:
        """Take the other side's description in; answer an offer (perfect negotiation, section 10.7)."""
        is_offer = description.type == "offer"
        collision = is_offer and (self._making_offer or self._connection.signalingState != "stable")
        self._ignoring = collision and not self._polite
        if self._ignoring:
            return
        with _logged("A connection was not made"):
            await self._connection.setRemoteDescription(
                to_js({"type": description.type, "sdp": with_stereo_opus(description.sdp)})
            )
            if is_offer:
                await self._attach()
                await self._describe_own(await self._connection.createAnswer())
        await self._apply_limits()

    async def candidate(self, candidate: IceCandidate) -> None:
        """Take in one of the other side's candidates; one that the browser refuses is logged and left aside."""
        plain: dict[str, Any] = {"candidate": candidate.candidate}
        if candidate.sdp_mid is not None:
            plain["sdpMid"] = candidate.sdp_mid
        if candidate.sdp_line is not None:
            plain["sdpMLineIndex"] = candidate.sdp_line
        try:
            await self._connection.addIceCandidate(to_js(plain))
        except JsException as error:
            if not self._ignoring:
                console.info(f"A candidate was left aside: {error.message}")

    async def limit(self, limits: SendLimits) -> None:
        """Send this much at most from now on, also after the next negotiation; what is refused is logged."""
        self._limits = limits
        await self._apply_limits()

    async def refresh(self) -> None:
        """Send the tracks that there are now, on the lines there are; what is refused is logged."""
        with _logged("A track was not sent"):
            await self._attach()
        await self._apply_limits()

    async def arriving(self) -> Arriving:
        """Return the rates since this was asked before, 0 the first time, and the picture's size now.

        Raises JsException where the browser does not tell.
        """
        report = await self._connection.getStats()
        found: dict[str, Any] = {}
        kbps: dict[str, float] = {}
        for entry in report.values():
            if entry.type == "inbound-rtp":
                found[entry.kind] = entry
                kbps[entry.kind] = self._kbps(entry.id, entry.bytesReceived, entry.timestamp)
        video = found.get("video")
        return Arriving(
            kbps.get("video", 0.0),
            kbps.get("audio", 0.0),
            member(video, "frameWidth") or 0,
            member(video, "frameHeight") or 0,
            member(video, "framesPerSecond") or 0.0,
        )

    async def round_trip_ms(self) -> float | None:
        """How long the last answer took (W3C WebRTC Statistics, section 8.17), if it is new: every 2.5 to 5 s."""
        senders = self._connection.getSenders()
        if not senders:
            return None
        pair = None
        with _logged("A round trip was not read"):
            report = await senders[0].getStats()
            transport = next((entry for entry in report.values() if entry.type == "transport"), None)
            pair = maybe(report.get(member(transport, "selectedCandidatePairId") or ""))
        answers = int(member(pair, "responsesReceived") or 0)
        if answers <= self._answers:
            return None
        self._answers = answers
        return 1000.0 * float(member(pair, "currentRoundTripTime") or 0.0)

    def restart(self) -> None:
        """Look for another way to the other side: ICE candidates are gathered anew, with a new offer."""
        self._connection.restartIce()

    def close(self) -> None:
        """End the connection, and free everything (`Connection`)."""
        if self._waiting is not None:
            self._waiting.cancel()
        for task in self._tasks:
            task.cancel()
        self._listeners.close()
        self._connection.close()

    async def _negotiate(self) -> None:
        with _logged("A connection was not offered"):
            self._making_offer = True
            try:
                offer = await self._connection.createOffer()
                if self._connection.signalingState == "stable":
                    await self._describe_own(offer)
            finally:
                self._making_offer = False

    async def _describe_own(self, description: Any) -> None:
        plain = {"type": description.type, "sdp": with_stereo_opus(description.sdp)}
        await self._connection.setLocalDescription(to_js(plain))
        own = self._connection.localDescription
        self._say(Description(own.type, own.sdp))

    async def _attach(self) -> None:
        """Put our tracks on the lines there are, and let each send and receive."""
        for line in self._connection.getTransceivers():
            kind = line.receiver.track.kind
            track = self._outgoing.track(kind)
            await line.sender.replaceTrack(jsnull if track is None else track)
            if line.direction != "sendrecv":
                line.direction = "sendrecv"

    async def _apply_limits(self) -> None:
        limits = self._limits
        if limits is None:
            return
        for line in self._connection.getTransceivers():
            parameters = line.sender.getParameters()
            encodings = member(parameters, "encodings")
            if not encodings:
                continue  # before anything was agreed on; it is done again then
            kind = line.receiver.track.kind
            encoding = encodings[0]
            encoding.maxBitrate = 1000 * (limits.audio_kbps if kind == "audio" else limits.video_kbps)
            if kind == "video":
                encoding.maxFramerate = limits.fps
                encoding.scaleResolutionDownBy = self._scale(limits.height)
            with _logged("A rate was not set"):
                await line.sender.setParameters(parameters)

    def _scale(self, height: int) -> float:
        track = self._outgoing.track("video")
        captured = member(track.getSettings(), "height") if track is not None else None
        return max(1.0, (captured or height) / height)

    def _kbps(self, stream_id: str, octets: float, at_ms: float) -> float:
        before_octets, before_ms = self._counted.get(stream_id, (octets, at_ms))
        self._counted[stream_id] = (octets, at_ms)
        return 8 * (octets - before_octets) / (at_ms - before_ms) if at_ms > before_ms else 0.0

    def _on_candidate(self, event: Event) -> None:
        candidate = maybe(event.candidate)
        if candidate is not None:
            self._say(
                IceCandidate(
                    candidate.candidate, member(candidate, "sdpMid"), member(candidate, "sdpMLineIndex")
                )
            )

    def _on_track(self, event: Event) -> None:
        for track in self._stream.getTracks():
            if track.kind == event.track.kind:
                self._stream.removeTrack(track)
        self._stream.addTrack(event.track)
        self._show(self._stream)

    def _on_state(self, event: Event) -> None:
        state = self._connection.connectionState
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if state == "connected":
            self._spawn(self._apply_limits())
        elif state == "failed":
            self._failed()
        elif state == "disconnected":
            self._waiting = asyncio.get_running_loop().call_later(DISCONNECTED_S, self._failed)

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@contextmanager
def _logged(what: str) -> Iterator[None]:
    """A preview that fails is worth a line in the log, no more: it must not trouble a recording."""
    try:
        yield
    except JsException as error:
        console.info(f"{what}: {error.message}")


def _as_plain(server: IceServer) -> dict[str, Any]:
    plain: dict[str, Any] = {"urls": list(server.urls)}
    if server.username:
        plain |= {"username": server.username, "credential": server.credential}
    return plain
