"""What the browser says of its encoders (W3C Media Capabilities, type `record`)."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from js import navigator
from pyodide.ffi import JsException, to_js

from rolltape.browser.interop import member
from rolltape.settings.codec import VideoCodec

ANSWER_WITHIN_S = 2.0
CONTENT_TYPES = {
    VideoCodec.VP8: "video/webm;codecs=vp8",
    VideoCodec.H264: "video/mp4;codecs=avc1.42E01F",
}


async def efficient(width: int, height: int, fps: float, kbps: int) -> frozenset[VideoCodec]:
    """Ask the browser which codecs of the table it encodes smoothly and power-efficiently at this size and rate."""
    if member(navigator, "mediaCapabilities") is None or not width or not height:
        return frozenset()
    found = set()
    with suppress(TimeoutError):  # a recording does not wait for it: what is known by then counts
        async with asyncio.timeout(ANSWER_WITHIN_S):
            for codec, content_type in CONTENT_TYPES.items():
                video = {"contentType": content_type, "width": width, "height": height}
                video |= {"bitrate": kbps * 1000, "framerate": fps or 30}
                try:
                    asked = to_js({"type": "record", "video": video})
                    info = await navigator.mediaCapabilities.encodingInfo(asked)
                except JsException:
                    continue  # a browser that does not know this type or question says so by raising
                if info.smooth and info.powerEfficient:
                    found.add(codec)
    return frozenset(found)
