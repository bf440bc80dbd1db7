"""What capture is asked for, and what it gave (W3C Media Capture and Streams): constraints and settings.

Everything asked for is `ideal`, never exact: a camera that cannot do it gives its best instead of nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from rolltape.core.notice import Level, Notice
from rolltape.settings.link import Settings
from rolltape.settings.query import NO_DEVICE, DeviceWish

# Without a wish browsers give 640×480. 1280×720 is what most webcams do well, and what VP8 in software can
# encode on an ordinary laptop; `static/boot.js` asks for the same while Python loads.
DEFAULT_WIDTH = 1280
DEFAULT_HEIGHT = 720
DEFAULT_FPS = 30.0

Kind = Literal["video", "audio"]
Asked = dict[str, object]


@dataclass(frozen=True)
class Device:
    """A camera or microphone; the label is empty until permission was given."""

    kind: str
    id: str
    label: str


@dataclass(frozen=True)
class Constraints:
    """Arguments for `getUserMedia`; None leaves out that kind (W3C Media Capture and Streams, section 10.3)."""

    video: Asked | None
    audio: Asked | None

    def alternatives(self) -> Iterator[Constraints]:
        """This, and where both kinds are wanted, each alone: half a guest is better than none."""
        if self.video is not None or self.audio is not None:
            yield self
        if self.video is not None and self.audio is not None:
            yield Constraints(None, self.audio)
            yield Constraints(self.video, None)


@dataclass(frozen=True)
class GrantedVideo:
    """The camera track's settings as the browser reports them (`getSettings`), not measured; 0 where it has none."""

    label: str
    device_id: str
    width: int
    height: int
    fps: float


@dataclass(frozen=True)
class GrantedAudio:
    """The microphone track's settings as the browser reports them (`getSettings`); 0 where it has none."""

    label: str
    device_id: str
    channels: int
    sample_rate_hz: int
    echo_cancellation: bool
    noise_suppression: bool
    auto_gain: bool


def constraints(settings: Settings, devices: Sequence[Device] = ()) -> Constraints:
    """Return the constraints for a link's settings.

    A link names devices by part of a label: `devices` resolves them, once capture was granted and they have labels.
    """
    video: Asked = {
        "width": {"ideal": settings.width or DEFAULT_WIDTH},
        "height": {"ideal": settings.height or DEFAULT_HEIGHT},
        "frameRate": {"ideal": settings.fps or DEFAULT_FPS},
    }
    audio: Asked = {
        "channelCount": {"ideal": 2 if settings.stereo else 1},
        "echoCancellation": settings.echo_cancellation,
        "noiseSuppression": settings.noise_suppression,
        "autoGainControl": settings.auto_gain,
    }
    return Constraints(
        None
        if settings.video_device == NO_DEVICE
        else video | _named("video", settings.video_device, devices),
        None
        if settings.audio_device == NO_DEVICE
        else audio | _named("audio", settings.audio_device, devices),
    )


def _named(kind: Kind, wish: DeviceWish | None, devices: Sequence[Device]) -> Asked:
    device = wanted(kind, wish, devices)
    return {"deviceId": {"ideal": device.id}} if device else {}


def wanted(kind: Kind, wish: DeviceWish | None, devices: Sequence[Device]) -> Device | None:
    """Return the first device of this kind that the link names; None if it names none or there is no such."""
    if wish is None:
        return None
    return next((one for one in devices if one.kind == kind and wish.matches(one.label)), None)


EARLY_CONSTRAINTS = constraints(Settings())


def describe_granted(video: GrantedVideo | None, audio: GrantedAudio | None) -> str:
    """Describe granted capture for a person: `1280×720, 30 fps; stereo, 48 kHz, unprocessed`."""
    return "; ".join((_describe_video(video), _describe_audio(audio)))


def _describe_video(video: GrantedVideo | None) -> str:
    if video is None:
        return "no camera"
    fps = f", {video.fps:.0f} fps" if video.fps else ""
    return f"{video.width}×{video.height}{fps}"


def _describe_audio(audio: GrantedAudio | None) -> str:
    if audio is None:
        return "no microphone"
    channels = {0: "sound", 1: "mono", 2: "stereo"}.get(audio.channels, f"{audio.channels} channels")
    rate = f", {audio.sample_rate_hz / 1000:g} kHz" if audio.sample_rate_hz else ""
    processing = _processing(audio)
    return f"{channels}{rate}, {'with ' + ' and '.join(processing) if processing else 'unprocessed'}"


def _processing(audio: GrantedAudio) -> list[str]:
    words = {
        "echo cancellation": audio.echo_cancellation,
        "noise suppression": audio.noise_suppression,
        "automatic gain": audio.auto_gain,
    }
    return [word for word, on in words.items() if on]


def shortfalls(settings: Settings, video: GrantedVideo | None, audio: GrantedAudio | None) -> list[Notice]:
    """Return a notice for each thing that was asked for and not granted."""
    notices = []
    if video is None and settings.video_device != NO_DEVICE:
        notices.append(Notice(Level.WARNING, "There is no camera, so only sound will be recorded."))
    if audio is None and settings.audio_device != NO_DEVICE:
        notices.append(Notice(Level.WARNING, "There is no microphone, so the recording will be silent."))
    if audio is not None:
        notices += _audio_shortfalls(settings, audio)
    return notices


def _audio_shortfalls(settings: Settings, audio: GrantedAudio) -> list[Notice]:
    asked = {
        "echo cancellation": settings.echo_cancellation,
        "noise suppression": settings.noise_suppression,
        "automatic gain": settings.auto_gain,
    }
    still_on = [word for word in _processing(audio) if not asked[word]]
    notices = []
    if settings.stereo and audio.channels == 1:
        notices.append(Notice(Level.INFO, "The microphone gives mono, so the sound is recorded in mono."))
    if still_on:
        notices.append(
            Notice(
                Level.WARNING, f"The browser keeps {' and '.join(still_on)} on, although it was asked not to."
            )
        )
    return notices
