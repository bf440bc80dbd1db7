"""Which container and codecs to record with: the candidates in order, the choice, and why.

The browser is asked candidate by candidate; nothing here knows a browser. What cannot be changed
after the recording is decided first: lossless audio, then the video codec, then the container.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from rolltape.core.notice import Level, Notice, quoted

__all__ = [
    "SPEED",
    "AudioCodec",
    "Candidate",
    "CodecWish",
    "Container",
    "Contents",
    "FormatChoice",
    "VideoCodec",
    "candidates",
    "choose",
    "contents",
    "describe",
    "holds_one_size",
    "next_choice",
]


class Container(StrEnum):
    """A file format; the value is its name for people."""

    WEBM = "WebM"
    MATROSKA = "Matroska"
    MP4 = "MP4"
    OGG = "Ogg"
    WAV = "WAV"
    OTHER = "an unknown format"


class VideoCodec(StrEnum):
    """A video codec; the value is what a link says."""

    VP8 = "vp8"
    H264 = "h264"
    VP9 = "vp9"
    AV1 = "av1"


SPEED = {VideoCodec.VP8: 1.0, VideoCodec.H264: 2.5, VideoCodec.VP9: 1.6, VideoCodec.AV1: 1.2}
"""How many pictures each writes in software while VP8 writes one, on a busy machine (bench, part `keep_up`)."""


class AudioCodec(StrEnum):
    """An audio codec."""

    OPUS = "opus"
    PCM = "pcm"
    AAC = "aac"


@dataclass(frozen=True)
class CodecWish:
    """Format wanted by a link or a director: codec, container, PCM. What the browser cannot do is left out later."""

    video: VideoCodec | None = None
    mp4: bool = False
    pcm: bool = False


@dataclass(frozen=True)
class Candidate:
    """One format to try, and what it would leave unmet."""

    mime_type: str
    container: Container
    """What browsers really write for this type."""
    video: VideoCodec | None
    """None: no video, or the browser's own choice."""
    audio: AudioCodec | None
    """None: no audio, or the browser's own choice."""
    unmet: tuple[str, ...] = ()
    """The wishes it does not meet, in words."""


@dataclass(frozen=True)
class FormatChoice:
    """The format to record with, why, and what a person should know before recording."""

    candidate: Candidate
    reason: str
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Contents:
    """Container and codecs of a recorder's `mimeType`, with the file name ending and content type for them."""

    mime_type: str
    container: Container
    video: VideoCodec | None
    audio: AudioCodec | None
    ending: str
    content_type: str


def candidates(
    wish: CodecWish,
    *,
    has_video: bool = True,
    has_audio: bool = True,
    efficient: frozenset[VideoCodec] = frozenset(),
    slow: frozenset[VideoCodec] = frozenset(),
) -> tuple[Candidate, ...]:
    """List every format worth trying, best first; empty if there is nothing to record.

    `efficient` holds the codecs that the browser encodes smoothly and power-efficiently at the size and
    rate wanted: VP8 goes first unless H.264 is in it and VP8 is not. The formats are sorted by the wishes
    they meet; among equals, codecs of `slow`, which do not keep up, go last, the quickest of them first, and WebM
    and Matroska before MP4.
    """
    if not has_video and not has_audio:
        return ()
    codecs = _video_order(efficient)

    def rank(candidate: Candidate) -> tuple[list[bool], bool, int, int]:
        misses = [words in candidate.unmet for words in _words(wanted)]
        order = _QUICKEST_FIRST if candidate.video in slow else codecs
        codec = order.index(candidate.video) if candidate.video else 0
        return misses, candidate.video in slow, _CONTAINER_RANK[candidate.container], codec

    types = _VIDEO_TYPES if has_video else _AUDIO_TYPES
    if not has_audio:
        types = tuple(dict.fromkeys(mime_type.rpartition(",")[0] for mime_type in types))
    wanted = replace(wish, video=wish.video if has_video else None, pcm=wish.pcm and has_audio)
    listed = (_candidate(mime_type, wanted) for mime_type in types)
    known = sorted((one for one in listed if one.audio is not AudioCodec.PCM or wanted.pcm), key=rank)
    kind = "video" if has_video else "audio"
    return (*known, *(_candidate(f"{kind}/{subtype}", wanted) for subtype in _OWN_CHOICE))


def choose(listed: Sequence[Candidate], is_supported: Callable[[str], bool]) -> FormatChoice | None:
    """Take the first candidate the browser supports; None if it supports none."""
    for candidate in listed:
        if is_supported(candidate.mime_type):
            return _choice(candidate, listed)
    return None


def next_choice(
    listed: Sequence[Candidate],
    failed: FormatChoice,
    is_supported: Callable[[str], bool],
    error: str = "",
    what: str = "failed to start",
) -> FormatChoice | None:
    """Step down after a choice failed although the browser had called it supported; `what` it did is told."""
    remaining = listed[listed.index(failed.candidate) + 1 :]
    following = choose(remaining, is_supported)
    if following is None:
        return None
    said = f" ({quoted(error)})" if error.strip() else ""
    before, now = describe(failed.candidate.mime_type), describe(following.candidate.mime_type)
    failure = f"{before} {what}{said}"
    instead = "trying the same in another way" if now == before else f"recording {now} instead"
    told = Notice(Level.WARNING, f"{failure}; {instead}.")
    newly_unmet = [words for words in following.candidate.unmet if words not in failed.candidate.unmet]
    return FormatChoice(following.candidate, f"{now}: {failure}.", (told, *_unmet_notices(newly_unmet, now)))


def contents(mime_type: str) -> Contents:
    """Read what a recorder says it writes, for example `video/x-matroska;codecs=avc1.420020,opus`.

    "WebM" with H.264 or PCM is called Matroska, because that is the DocType Chromium writes then, whatever
    its type says (quirk 6). Any string gives an answer; a container that is not known gets the ending `.bin`.
    """
    kind, subtype, names = _split(mime_type)
    video = next(filter(None, (_find(name, _VIDEO_PREFIXES) for name in names)), None)
    audio = next(filter(None, (_find(name, _AUDIO_PREFIXES) for name in names)), None)
    container = _BY_SUBTYPE.get(subtype, Container.OTHER)
    if container is Container.WEBM and (video in _NOT_IN_WEBM or audio in _NOT_IN_WEBM):
        container = Container.MATROSKA
    is_video = kind == "video" or video is not None
    ending, content_type = _FILES[container][0 if is_video else 1]
    return Contents(mime_type, container, video, audio, ending, content_type)


def holds_one_size(mime_type: str) -> bool:
    """Return True if pictures of another size than the first spoil a file of this type.

    H.264 in MP4 (`avc1`) says its size at the beginning only (ISO/IEC 14496-15).

    >>> holds_one_size("video/mp4;codecs=avc1.42E01F,opus"), holds_one_size("video/x-matroska;codecs=avc1,opus")
    (True, False)
    """
    found = contents(mime_type)
    return found.container is Container.MP4 and found.video in (VideoCodec.H264, None)


def describe(mime_type: str) -> str:
    """Name a format in words.

    >>> describe("video/webm;codecs=vp8,opus")
    'VP8 video and Opus audio in WebM'
    """
    found = contents(mime_type)
    tracks = []
    if found.video:
        tracks.append(f"{_VIDEO_NAMES[found.video]} video")
    if found.audio:
        tracks.append(f"{_AUDIO_NAMES[found.audio]} audio")
    if not tracks:
        tracks.append("video" if _split(mime_type)[0] == "video" else "audio")
    return f"{' and '.join(tracks)} in {found.container}"


_Codec = TypeVar("_Codec")

_VIDEO_NAMES = {VideoCodec.VP8: "VP8", VideoCodec.H264: "H.264", VideoCodec.VP9: "VP9", VideoCodec.AV1: "AV1"}
_AUDIO_NAMES = {AudioCodec.OPUS: "Opus", AudioCodec.PCM: "PCM", AudioCodec.AAC: "AAC"}

_VIDEO_TYPES: tuple[str, ...] = (
    "video/webm;codecs=vp8,opus",
    "video/webm;codecs=h264,opus",
    "video/webm;codecs=vp9,opus",
    "video/webm;codecs=av1,opus",
    "video/webm;codecs=av01.0.08M.08,opus",
    "video/x-matroska;codecs=vp8,opus",
    "video/x-matroska;codecs=avc1,opus",
    "video/x-matroska;codecs=vp9,opus",
    "video/x-matroska;codecs=av1,opus",
    "video/webm;codecs=vp8,pcm",
    "video/webm;codecs=h264,pcm",
    "video/webm;codecs=vp9,pcm",
    "video/webm;codecs=av1,pcm",
    "video/x-matroska;codecs=vp8,pcm",
    "video/x-matroska;codecs=avc1,pcm",
    "video/x-matroska;codecs=vp9,pcm",
    "video/x-matroska;codecs=av1,pcm",
    "video/mp4;codecs=avc1.42E01E,pcm",
    "video/mp4;codecs=avc1.42E01F,opus",
    "video/mp4;codecs=avc1.640028,opus",
    "video/mp4;codecs=avc1.42E01E,opus",
    "video/mp4;codecs=avc1.42E01E,mp4a.40.2",
    "video/mp4;codecs=vp9,opus",
    "video/mp4;codecs=av01.0.08M.08,opus",
)
"""Type strings that browsers accept (FACTS, "MediaRecorder")."""

_AUDIO_TYPES: tuple[str, ...] = (
    "audio/webm;codecs=pcm",
    "audio/x-matroska;codecs=pcm",
    "audio/wav;codecs=pcm",
    "audio/mp4;codecs=pcm",
    "audio/webm;codecs=opus",
    "audio/ogg;codecs=opus",
    "audio/x-matroska;codecs=opus",
    "audio/mp4;codecs=opus",
    "audio/mp4;codecs=mp4a.40.2",
)
"""No MediaRecorder writes WAV: that type is for a recorder of ours, which answers for it."""

_OWN_CHOICE = ("webm", "mp4")
"""Last of all: a container, and the codecs as the browser likes."""

_CONTAINER_RANK = {
    Container.WEBM: 0,
    Container.MATROSKA: 0,
    Container.WAV: 1,
    Container.OGG: 1,
    Container.MP4: 2,
    Container.OTHER: 3,
}
"""MP4 last: it is delivered at key frames only."""

_FILES: dict[Container, tuple[tuple[str, str], tuple[str, str]]] = {
    # container: (ending, type) with video, (ending, type) without
    Container.WEBM: ((".webm", "video/webm"), (".webm", "audio/webm")),
    Container.MATROSKA: ((".mkv", "video/x-matroska"), (".mka", "audio/x-matroska")),
    Container.MP4: ((".mp4", "video/mp4"), (".m4a", "audio/mp4")),
    Container.OGG: ((".ogv", "video/ogg"), (".opus", "audio/ogg")),
    Container.WAV: ((".wav", "audio/wav"), (".wav", "audio/wav")),
    Container.OTHER: ((".bin", "application/octet-stream"), (".bin", "application/octet-stream")),
}

_BY_SUBTYPE = {
    "webm": Container.WEBM,
    "x-matroska": Container.MATROSKA,
    "matroska": Container.MATROSKA,
    "mp4": Container.MP4,
    "x-m4a": Container.MP4,
    "quicktime": Container.MP4,
    "ogg": Container.OGG,
    "opus": Container.OGG,
    "wav": Container.WAV,
    "wave": Container.WAV,
    "x-wav": Container.WAV,
}

_QUICKEST_FIRST = sorted(VideoCodec, key=lambda codec: -SPEED[codec])

_NOT_IN_WEBM: tuple[VideoCodec | AudioCodec, ...] = (VideoCodec.H264, AudioCodec.PCM, AudioCodec.AAC)

_VIDEO_PREFIXES = (
    ("vp8", VideoCodec.VP8),
    ("vp08", VideoCodec.VP8),
    ("vp9", VideoCodec.VP9),
    ("vp09", VideoCodec.VP9),
    ("av1", VideoCodec.AV1),
    ("av01", VideoCodec.AV1),
    ("h264", VideoCodec.H264),
    ("avc", VideoCodec.H264),
)
_AUDIO_PREFIXES = (
    ("opus", AudioCodec.OPUS),
    ("pcm", AudioCodec.PCM),
    ("ipcm", AudioCodec.PCM),
    ("fpcm", AudioCodec.PCM),
    ("mp4a", AudioCodec.AAC),
    ("aac", AudioCodec.AAC),
)


def _video_order(efficient: frozenset[VideoCodec]) -> tuple[VideoCodec, ...]:
    if VideoCodec.H264 in efficient and VideoCodec.VP8 not in efficient:
        return (VideoCodec.H264, VideoCodec.VP8, VideoCodec.VP9, VideoCodec.AV1)
    return (VideoCodec.VP8, VideoCodec.H264, VideoCodec.VP9, VideoCodec.AV1)


def _candidate(mime_type: str, wish: CodecWish) -> Candidate:
    found = contents(mime_type)
    met = (
        (not wish.pcm or found.audio is AudioCodec.PCM),
        (wish.video is None or found.video is wish.video),
        (not wish.mp4 or found.container is Container.MP4),
    )
    unmet = tuple(words for words, is_met in zip(_words(wish), met, strict=True) if not is_met)
    return Candidate(mime_type, found.container, found.video, found.audio, unmet)


def _words(wish: CodecWish) -> tuple[str, str, str]:
    """Name the three wishes, weightiest first."""
    video = f"{_VIDEO_NAMES[wish.video]} video" if wish.video else ""
    return "lossless audio (PCM)", video, "MP4"


def _choice(candidate: Candidate, listed: Sequence[Candidate]) -> FormatChoice:
    now = describe(candidate.mime_type)
    return FormatChoice(
        candidate, f"{now}: {_reason(candidate, listed)}.", _unmet_notices(candidate.unmet, now)
    )


def _unmet_notices(unmet: Sequence[str], now: str) -> tuple[Notice, ...]:
    if not unmet:
        return ()
    sentence = f"This browser cannot record {' and '.join(unmet)} as asked; it records {now} instead."
    return (Notice(Level.WARNING, sentence),)


def _reason(candidate: Candidate, listed: Sequence[Candidate]) -> str:
    if candidate.unmet:
        return "the nearest this browser has to what was asked for"
    if any(other.unmet for other in listed):
        return "as asked for"
    if candidate != listed[0]:
        return "the best this browser supports"
    if candidate.video is VideoCodec.H264:
        return "only H.264 is encoded smoothly and with little power here"
    return "the usual choice"


def _split(mime_type: str) -> tuple[str, str, list[str]]:
    """Take a type apart: kind, subtype, codec names; lower case, quotes and spaces gone."""
    essence, _, parameters = mime_type[:_MAX_MIME_TYPE].lower().partition(";")
    kind, _, subtype = essence.strip().partition("/")
    codecs = re.search(r"(?:^|;)\s*codecs\s*=([^;]*)", parameters)
    names = codecs.group(1).replace('"', "").split(",") if codecs else []
    return kind.strip(), subtype.strip(), [name.strip() for name in names]


_MAX_MIME_TYPE = 1000


def _find(name: str, prefixes: Iterable[tuple[str, _Codec]]) -> _Codec | None:
    return next((codec for prefix, codec in prefixes if name.startswith(prefix)), None)
