"""What has to be changed in a session description (RFC 8866) for sound as good as it is recorded."""

from __future__ import annotations

import re

__all__ = ["with_stereo_opus"]

STEREO = {"stereo": "1", "sprop-stereo": "1", "maxaveragebitrate": "510000"}
"""RFC 7587 section 6.1. The rate is a ceiling; what is really sent is set on the sender."""


def with_stereo_opus(sdp: str) -> str:
    """Return a description in which every Opus payload may be stereo, at up to 510 kbps; else it is mono at about 32.

    Lines of other payloads stay as they are, and so does a description without Opus.
    """
    lines = sdp.split("\r\n")
    payloads = {match[1] for line in lines if (match := re.match(r"a=rtpmap:(\d+) opus/", line, re.I))}
    changed = []
    for line in lines:
        match = re.match(r"a=fmtp:(\d+) (.*)", line)
        if match and match[1] in payloads:
            line = f"a=fmtp:{match[1]} {_merged(match[2])}"
        changed.append(line)
    return "\r\n".join(changed)


def _merged(parameters: str) -> str:
    given = dict(pair.strip().partition("=")[::2] for pair in parameters.split(";") if pair.strip())
    return ";".join(f"{name}={value}" if value else name for name, value in (given | STEREO).items())
